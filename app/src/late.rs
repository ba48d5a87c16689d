//! Views that come after the first frame.
//!
//! The server renders one frame only, "Connecting to the gateway…", so only that is ever hydrated. An [`AnyView`]
//! would still carry, for each type it erases, the code to hydrate, rebuild and measure it; all of that together was
//! a quarter of the bundle. A view behind [`late`] can be built, and that is all it ever needs: to change, it is built
//! anew.

use std::sync::Arc;

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
    build_when(Box::new(is_shown), Box::new(build))
}

// Not part of `when`, because a closure in a generic function is another type for each of its callers.
fn build_when(is_shown: Box<dyn Fn() -> bool + Send + Sync>, build: Box<dyn Fn() -> AnyView + Send>) -> AnyView {
    let is_shown = Memo::new(move |_| is_shown());
    late(move || is_shown.get().then(&build))
}

/// A view that is built anew whenever its signals change; one type for all of them, too.
pub(crate) fn changing(build: impl FnMut() -> AnyView + Send + 'static) -> AnyView {
    let build: Box<dyn FnMut() -> AnyView + Send> = Box::new(build);
    late(build)
}

/// A list that follows its keys. What is already there stays as it is.
pub(crate) fn each(
    keys: impl Fn() -> Vec<String> + Send + Sync + 'static,
    build: impl Fn(String) -> AnyView + Send + Sync + 'static,
) -> AnyView {
    build_list(Box::new(keys), Arc::new(build))
}

fn build_list(keys: Box<dyn Fn() -> Vec<String> + Send + Sync>, build: Build) -> AnyView {
    late(view! { <For each=keys key=String::clone children=move |key| build(key) /> })
}

type Build = Arc<dyn Fn(String) -> AnyView + Send + Sync>;

/// Does something now, and again whenever a signal that it read changes.
pub(crate) fn follow(act: impl FnMut() + 'static) {
    start_following(Box::new(act));
}

fn start_following(mut act: Box<dyn FnMut()>) {
    Effect::new(move |_| act());
}

/// A button. `class` and `test_id` are its attributes; none is written where they are empty.
pub(crate) fn button<T: Into<String>>(
    class: &'static str,
    test_id: &'static str,
    label: impl Fn() -> T + Send + 'static,
    press: impl FnMut() + 'static,
) -> AnyView {
    sleepy_button(class, test_id, || false, label, press)
}

/// A button that may be inert. Not `disabled`: a keyboard must not lose its place for that.
pub(crate) fn sleepy_button<T: Into<String>>(
    class: &'static str,
    test_id: &'static str,
    is_inert: impl Fn() -> bool + Send + 'static,
    label: impl Fn() -> T + Send + 'static,
    press: impl FnMut() + 'static,
) -> AnyView {
    let mut press: Box<dyn FnMut()> = Box::new(press);
    let inert = text(move || if is_inert() { "true" } else { "false" });
    build_button(class, test_id, inert, text(label), Box::new(move |_| press()))
}

type Text = Box<dyn FnMut() -> String + Send>;

fn build_button(
    class: &'static str,
    test_id: &'static str,
    inert: Text,
    label: Text,
    press: Box<dyn FnMut(leptos::ev::MouseEvent)>,
) -> AnyView {
    let given = |text: &'static str| (!text.is_empty()).then_some(text);
    late(view! {
        <button type="button" class=given(class) data-testid=given(test_id) aria-disabled=inert on:click=press>
            {label}
        </button>
    })
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
