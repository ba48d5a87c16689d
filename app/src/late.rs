//! Views that come after the first frame.
//!
//! The server renders one frame only, "Connecting to the gateway…", so only that is ever hydrated. An [`AnyView`]
//! would still carry, for each type it erases, the code to hydrate, rebuild and measure it; all of that together was
//! a quarter of the bundle. A view behind [`late`] can be built, and that is all it ever needs: to change, it is built
//! anew.

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::prelude::*;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::types::{Element, Node};
use leptos::tachys::view::add_attr::AddAnyAttr;
use leptos::tachys::view::{Mountable, Position, PositionState};

/// Erases the type of a view that is never part of the first frame.
pub(crate) fn late<V: Render + Send + 'static>(view: V) -> AnyView {
    Late(Box::new(move || Box::new(view.build()))).into_any()
}

/// Text that follows its signals. In a box, because the bundle pays for each type of closure in a view anew.
pub(crate) fn text<T: Into<String>>(read: impl Fn() -> T + Send + 'static) -> Box<dyn FnMut() -> String + Send> {
    Box::new(move || read().into())
}

/// A view that comes and goes with a condition; for the same reason one type for all of them.
pub(crate) fn when(
    is_shown: impl Fn() -> bool + Send + Sync + 'static,
    build: impl Fn() -> AnyView + Send + 'static,
) -> AnyView {
    let is_shown: Box<dyn Fn() -> bool + Send + Sync> = Box::new(is_shown);
    let is_shown = Memo::new(move |_| is_shown());
    let build: Box<dyn Fn() -> AnyView + Send> = Box::new(build);
    late(move || is_shown.get().then(&build))
}

struct Late(Box<dyn FnOnce() -> Box<dyn Mountable> + Send>);

struct Built(Box<dyn Mountable>);

impl Render for Late {
    type State = Built;

    fn build(self) -> Built {
        Built(self.0())
    }

    fn rebuild(self, state: &mut Built) {
        let mut new = self.build();
        state.insert_before_this(&mut new);
        state.unmount();
        *state = new;
    }
}

impl Mountable for Built {
    fn unmount(&mut self) {
        self.0.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.0.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.0.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.0.elements()
    }
}

impl RenderHtml for Late {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) -> Built {
        self.build()
    }

    fn into_owned(self) -> Self {
        self
    }
}

impl AddAnyAttr for Late {
    type Output<SomeNewAttr: Attribute> = Self;

    fn add_any_attr<NewAttr: Attribute>(self, _: NewAttr) -> Self {
        self
    }
}
