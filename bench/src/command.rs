//! The command line.

use crate::case::Scenario;
use crate::peers::Peer;

pub(crate) const HELP: &str = "\
cargo xtask bench [--quick] [--only SCENARIO]... [--peers A,B] [--write]

  --quick          three short rounds of fewer cases, in about four minutes
  --only SCENARIO  push-pull, pub-sub, req-rep, dealer-router, many-peers, idle-memory,
                   rpc-calls, rpc-stream, rpc-beside, rpc-stalled, rpc-cost, or rpc for the last five,
                   curve-push-pull, curve-handshakes, or curve for both, hostile
  --peers A,B      rows or libraries: bowline, libzmq, omq, rzmq, zmq.rs, tarpc, tonic, jsonrpsee,
                   remoc, muxio, raw
  --write          write BENCHMARKS.md and docs/bench/, as a run of everything does";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) quick: bool,
    pub(crate) only: Vec<Scenario>,
    pub(crate) peers: Vec<Peer>,
    pub(crate) write: bool,
}

impl Wishes {
    /// Whether the results replace those in the repository.
    pub(crate) fn writes(&self) -> bool {
        self.write || !self.quick && self.only.is_empty() && self.peers.is_empty()
    }
}

pub(crate) fn parse(args: &[&str]) -> Result<Wishes, String> {
    let mut wishes = Wishes { quick: false, only: Vec::new(), peers: Vec::new(), write: false };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match *arg {
            "--quick" => wishes.quick = true,
            "--write" => wishes.write = true,
            "--only" => {
                let name = args.next().ok_or("--only wants a scenario")?;
                let scenarios = Scenario::named(name);
                if scenarios.is_empty() {
                    return Err(format!("unknown scenario `{name}`"));
                }
                wishes.only.extend(scenarios);
            }
            "--peers" => {
                for name in args.next().ok_or("--peers wants names")?.split(',') {
                    let peers = Peer::named(name);
                    if peers.is_empty() {
                        return Err(format!("unknown peer `{name}`"));
                    }
                    wishes.peers.extend(peers);
                }
            }
            unknown => return Err(format!("unknown argument `{unknown}`\n\n{HELP}")),
        }
    }
    Ok(wishes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_measured_and_written_unless_told_otherwise() {
        let wishes = parse(&[]).unwrap();
        assert!(wishes.writes() && wishes.only.is_empty() && wishes.peers.is_empty());
    }

    #[test]
    fn a_part_is_written_only_when_asked_for() {
        let part = parse(&["--only", "push-pull", "--peers", "libzmq,omq"]).unwrap();
        assert_eq!(part.only, [Scenario::PushPull]);
        assert_eq!(part.peers, [Peer::Libzmq, Peer::OmqSt, Peer::OmqBlocking]);
        assert!(!part.writes());
        assert!(parse(&["--quick", "--write"]).unwrap().writes());
    }

    #[test]
    fn one_word_means_all_scenarios_with_calls() {
        let only = parse(&["--only", "rpc"]).unwrap().only;
        assert!(only.contains(&Scenario::RpcCalls) && only.iter().all(|scenario| scenario.is_rpc()));
    }

    #[test]
    fn one_word_means_all_scenarios_with_curve() {
        let only = parse(&["--only", "curve"]).unwrap().only;
        assert_eq!(only, [Scenario::CurvePushPull, Scenario::CurveHandshakes]);
    }

    #[test]
    fn what_is_unknown_is_named() {
        assert!(parse(&["--only", "survey"]).unwrap_err().contains("`survey`"));
        assert!(parse(&["--peers", "nng"]).unwrap_err().contains("`nng`"));
        assert!(parse(&["--fast"]).unwrap_err().contains("`--fast`"));
    }
}
