//! Whether the gateway is there, and who is at its port instead.

use crate::config::Bind;
use crate::doctor::facts::{Facts, PortAnswer, Running};
use crate::doctor::{Finding, Repair};
use crate::service::{Drift, State};

pub fn port(facts: &Facts) -> Vec<Finding> {
    let port = &facts.port;
    let listens_on_loopback =
        !matches!(facts.settings.resolved.as_ref().map(|found| &found.bind), Some(Bind::Custom(_)));
    let is_ours = match &facts.gateway {
        Running::Answers(_) if !listens_on_loopback => return Vec::new(),
        // Its port may be held by the very gateway that cannot be asked.
        Running::Foreign { .. } | Running::Silent { .. } => return Vec::new(),
        Running::Answers(_) => true,
        Running::Stopped => false,
    };
    let what = match &port.answer {
        PortAnswer::Nothing => return Vec::new(),
        PortAnswer::Gateway if is_ours => return Vec::new(),
        PortAnswer::Gateway => "Another gateway, of another user or state directory,".to_owned(),
        PortAnswer::Mute => "A program that is no gateway".to_owned(),
        PortAnswer::Other(server) => format!("Another program ({server})"),
    };
    let number = port.number;
    let other = number.checked_add(1).unwrap_or(18_789);
    let move_over = format!("openclaw config set gateway.port {other}");
    let (evidence, fix) = match &port.holder {
        Some(holder) => (format!("port {number} is held by {holder}"), format!("kill {} or {move_over}", holder.pid)),
        None => (format!("port {number} is held by a process of another user"), move_over),
    };
    vec![
        Finding::error(format!("{what} is at port {number}."))
            .because("The gateway cannot listen there, and clients talk to the wrong program.")
            .seen([evidence])
            .fix(fix),
    ]
}

pub fn down(facts: &Facts) -> Vec<Finding> {
    let finding = match &facts.gateway {
        Running::Answers(_) => {
            let bind = facts.settings.resolved.as_ref().map(|found| &found.bind);
            if facts.port.answer != PortAnswer::Nothing || matches!(bind, Some(Bind::Custom(_))) {
                return Vec::new();
            }
            Finding::error("The gateway runs, but its port does not answer.")
                .because("Browsers and devices cannot reach it.")
                .seen([format!("nobody listens on 127.0.0.1:{}", facts.port.number)])
                .fix("openclaw gateway restart")
        }
        Running::Stopped => stopped(facts),
        Running::Silent { why } => Finding::error("A gateway holds the state directory, but does not answer.")
            .because("No connection is accepted until it is started again.")
            .seen([why.clone()])
            .fix("openclaw gateway restart"),
        Running::Foreign { uid } => {
            let whom = uid.map_or_else(|| "another user".to_owned(), |uid| format!("user {uid}"));
            let fix = uid
                .map_or_else(|| "run the doctor as root".to_owned(), |uid| format!("sudo -u '#{uid}' openclaw doctor"));
            Finding::error(format!("The gateway of this state directory belongs to {whom}."))
                .because("Only its owner and root may ask it.")
                .seen([facts.paths.owner_socket.display().to_string()])
                .fix(fix)
        }
    };
    vec![finding]
}

fn stopped(facts: &Facts) -> Finding {
    let finding = Finding::error("The gateway is not running.")
        .because("Nobody can connect, and nothing that waits can be approved by a click.")
        .seen([format!("nobody answers at {}", facts.paths.owner_socket.display())]);
    let Some(unit) = &facts.unit else {
        return finding.fix("openclaw gateway run, or as a service that starts by itself: openclaw gateway install");
    };
    let finding = finding.seen(unit.state.iter().map(|state| format!("the service {} is {}", unit.name, words(state))));
    let is_down = matches!(unit.state, Some(State::Stopped | State::Failed(_)));
    // A service belongs to its user, and needs its program and its port.
    let can_start = is_down
        && facts.me.uid == facts.me.wanted_uid
        && !matches!(unit.drift, Some(Drift::Missing(_)))
        && facts.port.answer == PortAnswer::Nothing;
    let finding = finding.fix("openclaw gateway start");
    if can_start { finding.repaired_by(Repair::StartService) } else { finding }
}

fn words(state: &State) -> String {
    match state {
        State::Failed(why) => format!("failed ({why})"),
        State::Running { .. } | State::Restarting | State::Stopped => state.as_str().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checks::healthy;
    use crate::doctor::facts::{Resolved, Unit};

    fn at_port(gateway: Running, answer: PortAnswer) -> Option<String> {
        let mut facts = Facts { gateway, ..healthy::facts() };
        facts.port.answer = answer;
        facts.port.holder = Some(healthy::holder(7, "nginx"));
        port(&facts).pop().map(|finding| format!("{} {} {}", finding.what, finding.evidence[0], finding.fix))
    }

    #[test]
    fn a_program_in_our_place_is_named() {
        assert_eq!(at_port(Running::Stopped, PortAnswer::Nothing), None);
        assert_eq!(at_port(Running::Silent { why: String::new() }, PortAnswer::Mute), None);
        let taken = at_port(Running::Stopped, PortAnswer::Other("nginx/1".to_owned())).unwrap();
        assert_eq!(
            taken,
            "Another program (nginx/1) is at port 18789. port 18789 is held by nginx (process 7) \
             kill 7 or openclaw config set gateway.port 18790"
        );
        assert!(at_port(Running::Stopped, PortAnswer::Gateway).unwrap().starts_with("Another gateway"));
        let running = || Running::Answers(Box::new(healthy::answer()));
        assert_eq!(at_port(running(), PortAnswer::Gateway), None);
        assert!(at_port(running(), PortAnswer::Mute).is_some());
    }

    #[test]
    fn a_gateway_that_is_down_is_told_how_to_come_up() {
        let check = |gateway: Running, expected: Option<&str>| {
            let facts = Facts { gateway, ..healthy::facts() };
            assert_eq!(down(&facts).first().map(|finding| finding.fix.as_str()), expected);
        };
        let run = "openclaw gateway run, or as a service that starts by itself: openclaw gateway install";
        check(Running::Stopped, Some(run));
        check(Running::Silent { why: "no answer".to_owned() }, Some("openclaw gateway restart"));
        check(Running::Foreign { uid: Some(0) }, Some("sudo -u '#0' openclaw doctor"));
        check(Running::Answers(Box::new(healthy::answer())), None);
        let mut facts = healthy::facts();
        facts.port.answer = PortAnswer::Nothing;
        assert_eq!(down(&facts)[0].fix, "openclaw gateway restart");
        let bind = Bind::Custom("192.0.2.1".parse().unwrap());
        facts.settings.resolved = Some(Resolved { port: 18789, bind });
        assert_eq!((down(&facts), port(&facts)), (Vec::new(), Vec::new()));
    }

    #[test]
    fn a_service_that_is_down_is_started_where_that_can_work() {
        let mut facts = Facts { gateway: Running::Stopped, ..healthy::facts() };
        facts.port.answer = PortAnswer::Nothing;
        let unit = |state: Option<State>, drift: Option<Drift>| {
            Some(Unit { name: "gw.service".to_owned(), state, drift, ..Unit::default() })
        };
        facts.unit = unit(Some(State::Failed("exit-code".to_owned())), None);
        assert_eq!(down(&facts)[0].repair, Some(Repair::StartService));
        assert_eq!(down(&facts)[0].evidence[1], "the service gw.service is failed (exit-code)");
        for (state, drift) in [
            (None, None),
            (Some(State::Running { pid: None }), None),
            (Some(State::Stopped), Some(Drift::Missing("/gone".into()))),
        ] {
            facts.unit = unit(state, drift);
            assert_eq!((&down(&facts)[0].repair, down(&facts)[0].fix.as_str()), (&None, "openclaw gateway start"));
        }
        facts.unit = unit(Some(State::Stopped), None);
        facts.me.uid = 0;
        assert_eq!(down(&facts)[0].repair, None);
        facts.me.uid = 1000;
        facts.port.answer = PortAnswer::Mute;
        assert_eq!(down(&facts)[0].repair, None);
    }
}
