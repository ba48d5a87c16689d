//! The pages of the Control UI, as navigation, palette and title know them.

use crate::language::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Overview,
    Devices,
    Settings,
    Doctor,
    Audit,
    Logs,
}

impl Place {
    /// In the order of the navigation.
    pub const ALL: [Self; 6] = [Self::Overview, Self::Devices, Self::Settings, Self::Doctor, Self::Audit, Self::Logs];

    /// The place with this path; an unknown path has none.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.path() == path)
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Devices => "/devices",
            Self::Settings => "/settings",
            Self::Doctor => "/doctor",
            Self::Audit => "/audit",
            Self::Logs => "/logs",
        }
    }

    pub fn title(self) -> &'static str {
        match self {
            Self::Overview => t("Overview"),
            Self::Devices => t("Devices"),
            Self::Settings => t("Settings"),
            Self::Doctor => t("Doctor"),
            Self::Audit => t("Audit"),
            Self::Logs => t("Logs"),
        }
    }

    /// What is there, in a few words.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Overview => t("health, who is connected, who can come"),
            Self::Devices => t("who wants in, who is in"),
            Self::Settings => t("token, proxies, addresses, notifications"),
            Self::Doctor => t("why somebody did not get in, and the fix"),
            Self::Audit => t("every decision, by whom and from where"),
            Self::Logs => t("what the gateway writes down, live"),
        }
    }

    /// The strokes of its icon, on a field of 24 by 24.
    pub fn icon(self) -> &'static str {
        match self {
            Self::Overview => "M4 11l8-7 8 7v9h-5v-6H9v6H4z",
            Self::Devices => "M3 5h13v10H3zM7 19h6M18 9h3v10h-5v-4",
            Self::Settings => "M4 7h9m4 0h3M4 17h3m4 0h9M13 4.5v5M7 14.5v5",
            Self::Doctor => "M3 12h4l3-7 4 14 3-7h4",
            Self::Audit => "M6 3h12v18H6zM9 8h6M9 12h6M9 16h3",
            Self::Logs => "M4 6h16M4 10h10M4 14h16M4 18h8",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_found_by_its_path_and_no_other_is() {
        for place in Place::ALL {
            assert_eq!(Place::at(place.path()), Some(place));
        }
        assert_eq!(Place::at("/nowhere"), None);
    }
}
