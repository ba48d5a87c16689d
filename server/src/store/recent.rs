//! What was looked up lately: devices that come back, and the list that every open page asks for.
//!
//! The embedded store may remember them because it is the only writer of its file: the gateway holds a
//! lock on the state directory. A store that is shared between gateways must not do this.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::pairing::Device;
use lru::LruCache;
use protocol::DeviceId;

use super::Pairings;
use super::blocks::BlockIndex;

/// How many devices are remembered; about a kilobyte each.
const CAPACITY: NonZeroUsize = NonZeroUsize::MIN.saturating_add(1023);

#[derive(Debug)]
pub(super) struct Recent {
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    devices: LruCache<DeviceId, Device>,
    pairings: Option<Arc<Pairings>>,
    blocks: Option<Arc<BlockIndex>>,
    /// Counts changes, so that what was read before a change is not remembered after it.
    changes: u64,
}

impl Recent {
    pub(super) fn new() -> Self {
        Self { inner: Mutex::new(Inner { devices: LruCache::new(CAPACITY), pairings: None, blocks: None, changes: 0 }) }
    }

    /// The device if it is remembered; otherwise a stamp for [`Self::remember`].
    pub(super) fn find(&self, device_id: &DeviceId) -> Result<Device, u64> {
        let mut inner = self.lock();
        let changes = inner.changes;
        inner.devices.get(device_id).cloned().ok_or(changes)
    }

    /// Remembers what was read since `stamp`, unless something has changed in between.
    pub(super) fn remember(&self, stamp: u64, device: &Device) {
        let mut inner = self.lock();
        if inner.changes == stamp {
            inner.devices.put(device.device_id.clone(), device.clone());
        }
    }

    /// The whole list if it is remembered; otherwise a stamp for [`Self::remember_pairings`].
    pub(super) fn pairings(&self) -> Result<Arc<Pairings>, u64> {
        let inner = self.lock();
        inner.pairings.clone().ok_or(inner.changes)
    }

    pub(super) fn remember_pairings(&self, stamp: u64, pairings: &Arc<Pairings>) {
        let mut inner = self.lock();
        if inner.changes == stamp {
            inner.pairings = Some(Arc::clone(pairings));
        }
    }

    /// Everything that is blocked if it is remembered; otherwise a stamp for [`Self::remember_blocks`].
    pub(super) fn blocks(&self) -> Result<Arc<BlockIndex>, u64> {
        let inner = self.lock();
        inner.blocks.clone().ok_or(inner.changes)
    }

    pub(super) fn remember_blocks(&self, stamp: u64, blocks: &Arc<BlockIndex>) {
        let mut inner = self.lock();
        if inner.changes == stamp {
            inner.blocks = Some(Arc::clone(blocks));
        }
    }

    /// To be called after each commit that blocked a device or let it ask again, before
    /// [`Self::device_changed`].
    pub(super) fn blocks_changed(&self) {
        let mut inner = self.lock();
        inner.changes += 1;
        inner.blocks = None;
    }

    /// To be called after each commit that changed a little of many devices.
    pub(super) fn forget<'a>(&self, device_ids: impl IntoIterator<Item = &'a DeviceId>) {
        let mut inner = self.lock();
        inner.changes += 1;
        inner.pairings = None;
        for device_id in device_ids {
            inner.devices.pop(device_id);
        }
    }

    /// To be called after each commit that changed a device, in the order of the commits.
    pub(super) fn device_changed(&self, device_id: &DeviceId, device: Option<&Device>) {
        let mut inner = self.lock();
        inner.changes += 1;
        inner.pairings = None;
        match device {
            Some(device) => {
                inner.devices.put(device_id.clone(), device.clone());
            }
            None => {
                inner.devices.pop(device_id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
