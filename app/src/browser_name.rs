//! What a browser calls itself, reduced to what a person recognises.

/// Browser and system read from a user agent string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrowserName<'a> {
    browser: &'static str,
    version: Option<&'a str>,
    system: &'static str,
    /// The device's model, where an Android browser still tells it.
    model: Option<&'a str>,
}

/// The marks of browsers, the most telling first: nearly all of them also claim to be Chrome or Safari.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
];

/// The marks of systems. Android also says Linux, an iPhone also says Mac OS X.
const SYSTEMS: [(&str, &str); 7] = [
    ("Android", "Android"),
    ("iPhone", "iOS"),
    ("iPad", "iPadOS"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
];

/// What Chrome and Firefox write where a model could stand.
const HIDDEN_MODELS: [&str; 3] = ["K", "Mobile", "Tablet"];

impl<'a> BrowserName<'a> {
    pub fn of(user_agent: &'a str) -> Self {
        let browser = BROWSERS.iter().find(|(mark, _)| user_agent.contains(mark));
        let system = SYSTEMS.iter().find(|(mark, _)| user_agent.contains(mark));
        Self {
            browser: browser.map_or("A browser", |(_, name)| name),
            version: browser.and_then(|(mark, _)| major_version(user_agent, mark)),
            system: system.map_or("an unknown system", |(_, name)| name),
            model: android_model(user_agent),
        }
    }

    /// The name this browser proposes for itself: "Chrome on Linux", "Chrome on Pixel 9".
    pub fn proposed(&self) -> String {
        format!("{} on {}", self.browser, self.model.unwrap_or(self.system))
    }

    /// What the owner reads about somebody else's: "Chrome 149 on Android".
    pub fn described(&self) -> String {
        match self.version {
            Some(version) => format!("{} {version} on {}", self.browser, self.system),
            None => format!("{} on {}", self.browser, self.system),
        }
    }

    /// The platform to tell the gateway. Phones name their system; the rest say what the browser's
    /// `navigator.platform` says, as the official page does.
    pub fn platform(&self, navigator_platform: &str) -> String {
        match self.system {
            "Android" => "Android".to_owned(),
            "iOS" | "iPadOS" => "iOS".to_owned(),
            system if navigator_platform.trim().is_empty() => system.to_owned(),
            _ => navigator_platform.to_owned(),
        }
    }
}

fn major_version<'a>(user_agent: &'a str, mark: &str) -> Option<&'a str> {
    let after = user_agent.split_once(mark)?.1;
    let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    Some(&after[..digits]).filter(|version| !version.is_empty())
}

fn android_model(user_agent: &str) -> Option<&str> {
    let system = user_agent.split_once("Android ")?.1.split(')').next()?;
    let model = system.split("; ").nth(1)?.split(" Build/").next()?.trim();
    Some(model).filter(|model| !model.is_empty() && !HIDDEN_MODELS.contains(model))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(user_agent: &str, proposed: &str, described: &str) {
        let name = BrowserName::of(user_agent);
        assert_eq!((name.proposed().as_str(), name.described().as_str()), (proposed, described));
    }

    #[test]
    fn reads_the_browsers_people_use() {
        check(
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36",
            "Chrome on Linux",
            "Chrome 149 on Linux",
        );
        check(
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
            "Chrome 149 on Android",
        );
        check(
            "Mozilla/5.0 (Linux; Android 14; Pixel 9 Build/AP3A) AppleWebKit/537.36 Chrome/149.0.1.2 Mobile Safari/537.36",
            "Chrome on Pixel 9",
            "Chrome 149 on Android",
        );
        check(
            "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
            "Firefox on Android",
            "Firefox 140 on Android",
        );
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1",
            "Safari on iOS",
            "Safari 18 on iOS",
        );
        check(
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/149.0.0.0 Safari/537.36 Edg/149.0.0.0",
            "Edge on Windows",
            "Edge 149 on Windows",
        );
        check("curl/8", "A browser on an unknown system", "A browser on an unknown system");
    }

    #[test]
    fn a_phone_says_its_system_and_a_desktop_what_the_browser_says() {
        let phone = BrowserName::of("Mozilla/5.0 (Linux; Android 14; Pixel 7) Chrome/149.0.0.0");
        assert_eq!(phone.platform("Linux armv81"), "Android");
        let desk = BrowserName::of("Mozilla/5.0 (X11; Linux x86_64) Chrome/149.0.0.0");
        assert_eq!((desk.platform("Linux x86_64").as_str(), desk.platform("").as_str()), ("Linux x86_64", "Linux"));
    }
}
