//! What the page knows of the devices that are in: what is looked for, the page that was found, and what was chosen.

use std::collections::BTreeMap;

use leptos::prelude::*;
use protocol::event::Event;
use protocol::method::{DevicePage, ListedDevice};
use protocol::pairing::PairedDevice;
use protocol::role::PAIRING;
use protocol::{DeviceId, Method};

use crate::components::confirm::Confirmation;
use crate::live::{Live, advice};
use crate::outside;
use crate::reading;
use crate::roster::View;

/// Copied freely; there is one while the page is shown.
#[derive(Clone, Copy)]
pub(super) struct Roster {
    pub(super) live: Live,
    pub(super) view: RwSignal<View>,
    /// `None` until the first answer.
    pub(super) page: RwSignal<Option<DevicePage>>,
    pub(super) problem: RwSignal<Option<String>>,
    /// What is ticked, by id, as it was shown when it was. It stays ticked on other pages of the list.
    pub(super) chosen: RwSignal<BTreeMap<String, PairedDevice>>,
    /// The device whose details are shown.
    pub(super) opened: RwSignal<Option<DeviceId>>,
    pub(super) confirming: RwSignal<Option<Confirmation>>,
    /// Counts the answers: words about times are told anew with each.
    pub(super) loads: RwSignal<u64>,
    /// A question is under way; with `true`, another has to follow.
    asking: StoredValue<Option<bool>>,
}

impl Roster {
    pub(super) fn new(live: Live) -> Self {
        let roster = Self {
            live,
            view: RwSignal::default(),
            page: RwSignal::new(None),
            problem: RwSignal::new(None),
            chosen: RwSignal::default(),
            opened: RwSignal::new(None),
            confirming: RwSignal::new(None),
            loads: RwSignal::new(0),
            asking: StoredValue::new(None),
        };
        live.whenever_connected(PAIRING, move || roster.load());
        outside::listen(move |event, _| {
            let concerns_devices = matches!(
                event,
                Event::DevicePairChanged
                    | Event::DevicePairResolved
                    | Event::NodePairRequested
                    | Event::NodePairResolved
                    | Event::Presence
                    | Event::Tick
            );
            if concerns_devices && live.may_pair() {
                roster.load();
            }
        });
        roster
    }

    /// Fetches the page anew. However often this is called, one question is under way, and at most one follows.
    pub(super) fn load(self) {
        let is_free = self.asking.try_update_value(|asking| {
            let is_free = asking.is_none();
            *asking = Some(!is_free);
            is_free
        });
        if is_free == Some(true) {
            self.ask();
        }
    }

    fn ask(self) {
        let asked = self.view.get_untracked();
        outside::ask(Method::DevicePairPage, asked.params(), move |answer| {
            // The page may have been left meanwhile.
            let Some(must_follow) = self.asking.try_update_value(|asking| asking.take() == Some(true)) else { return };
            match answer {
                // What somebody looks for now is answered next.
                Ok(_) if self.view.with_untracked(|view| *view != asked) => {}
                Ok(value) => self.take(reading::device_page(&value)),
                Err(error) => self.problem.set(Some(advice(&error))),
            }
            if must_follow {
                self.load();
            }
        });
    }

    fn take(self, page: DevicePage) {
        self.problem.set(None);
        self.loads.update(|loads| *loads += 1);
        self.view.update_untracked(|view| view.offset = page.offset);
        self.page.set(Some(page));
    }

    /// Looks for something else, from the start of it.
    pub(super) fn look(self, change: impl FnOnce(&mut View)) {
        self.view.update(|view| {
            change(view);
            view.offset = 0;
        });
        self.load();
    }

    /// Goes to another page, and takes the keyboard to the start of it.
    pub(super) fn turn(self, offset: u64) {
        self.view.update(|view| view.offset = offset);
        self.load();
        outside::focus("paired");
    }

    pub(super) fn listed(self, id: &str) -> Option<ListedDevice> {
        self.page.with(|page| page.as_ref()?.devices.iter().find(|one| one.device.device_id.as_str() == id).cloned())
    }

    pub(super) fn choose(self, device: Option<PairedDevice>, is_chosen: bool) {
        let Some(device) = device else { return };
        self.chosen.update(|chosen| {
            let id = device.device_id.to_string();
            if is_chosen { drop(chosen.insert(id, device)) } else { drop(chosen.remove(&id)) }
        });
    }

    /// What of the page can be chosen: everything but the device in hand.
    pub(super) fn choosable(self) -> Vec<PairedDevice> {
        let devices = self.page.with(|page| page.as_ref().map(|page| page.devices.clone()).unwrap_or_default());
        let others = devices.into_iter().map(|one| one.device).filter(|device| !self.live.is_own(&device.device_id));
        others.collect()
    }
}
