//! A breadth-first search through every state that a model can get into.
//!
//! States are whole values, compared and hashed as such, so what is explored is exact. Breadth-first, so the first
//! script that breaks a property is a shortest one.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::{BuildHasherDefault, Hash};
use std::rc::Rc;

use crate::ledger::{Broken, Failure, Ledger};
use crate::mixer::Mixer;

/// What is explored: the start, what may happen next, and what becomes of it.
pub(crate) trait Model {
    type State: Clone + Eq + Hash;
    type Action: Copy + Debug;

    fn start(&self) -> Self::State;

    /// Everything that may happen in `state`, whoever does it.
    fn actions(&self, state: &Self::State) -> Vec<Self::Action>;

    /// Lets `action` happen. What changes nothing leaves the state as it is.
    fn step(&self, state: &mut Self::State, action: Self::Action) -> Result<(), Broken>;
}

type Index = u32;
type Found<S> = HashMap<Rc<S>, Index, BuildHasherDefault<Mixer>>;

/// All reachable states and the ways between them.
pub(crate) struct Graph<M: Model> {
    states: Vec<Rc<M::State>>,
    /// From where and by what each state was reached first.
    parents: Vec<Option<(Index, M::Action)>>,
    /// Where each state leads to; what changes nothing is no way.
    ways: Vec<Vec<(Index, M::Action)>>,
    /// How many actions were tried, those that change nothing among them.
    tried: u64,
}

/// Explores `model` until nothing new is found, or until a property is broken.
pub(crate) fn explore<M: Model>(model: &M) -> Result<Graph<M>, Failure> {
    let start = Rc::new(model.start());
    let mut found: Found<M::State> = Found::default();
    found.insert(Rc::clone(&start), 0);
    let mut graph = Graph { states: vec![start], parents: vec![None], ways: Vec::new(), tried: 0 };
    let mut at = 0;
    while let Some(state) = graph.states.get(at).map(Rc::clone) {
        let mut ways = Vec::new();
        for action in model.actions(&state) {
            graph.tried += 1;
            let mut next = (*state).clone();
            if let Err(broken) = model.step(&mut next, action) {
                let mut script = graph.script(at);
                script.push(action);
                return Err(broken.after(&script));
            }
            if next == *state {
                continue;
            }
            let next = if let Some(&known) = found.get(&next) {
                known
            } else {
                let (new, next) = (index(graph.states.len()), Rc::new(next));
                found.insert(Rc::clone(&next), new);
                graph.states.push(next);
                graph.parents.push(Some((index(at), action)));
                new
            };
            ways.push((next, action));
        }
        graph.ways.push(ways);
        at += 1;
    }
    Ok(graph)
}

fn index(at: usize) -> Index {
    Index::try_from(at).expect("a model has fewer than four thousand million states")
}

impl<M: Model> Graph<M> {
    /// How many states there are.
    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// One line: how much was explored.
    pub(crate) fn size(&self) -> String {
        let ways: usize = self.ways.iter().map(Vec::len).sum();
        let deepest = self.script(self.len() - 1).len();
        let tried = self.tried;
        format!("{} states, {ways} ways, {tried} inputs tried, the deepest state at {deepest}", self.len())
    }

    /// A shortest script from the start to a state.
    fn script(&self, to: usize) -> Vec<M::Action> {
        let (mut script, mut at) = (Vec::new(), to);
        while let Some((from, action)) = self.parents[at] {
            script.push(action);
            at = from as usize;
        }
        script.reverse();
        script
    }

    fn failure(&self, at: usize, property: &'static str, how: &str) -> Failure {
        Broken::new(property, how).after(&self.script(at))
    }

    /// `property`: wherever `premise` holds, there is a way on to where `goal` holds, of actions that `by` allows.
    pub(crate) fn leads_to(
        &self,
        ledger: &Ledger,
        property: &'static str,
        premise: impl Fn(&M::State) -> bool,
        by: impl Fn(M::Action) -> bool,
        goal: impl Fn(&M::State) -> bool,
    ) -> Result<(), Failure> {
        let mut back = vec![Vec::new(); self.len()];
        for (from, ways) in self.ways.iter().enumerate() {
            for &(to, _) in ways.iter().filter(|(_, action)| by(*action)) {
                back[to as usize].push(from);
            }
        }
        let mut leads: Vec<bool> = self.states.iter().map(|state| goal(state)).collect();
        let mut open: Vec<usize> = (0..self.len()).filter(|&at| leads[at]).collect();
        while let Some(at) = open.pop() {
            for &from in &back[at] {
                if !std::mem::replace(&mut leads[from], true) {
                    open.push(from);
                }
            }
        }
        for at in (0..self.len()).filter(|&at| premise(&self.states[at])) {
            ledger.count(property);
            if !leads[at] {
                return Err(self.failure(at, property, "from here there is no way"));
            }
        }
        Ok(())
    }

    /// `property`: wherever `region` holds, every way on ends where `goal` holds, whatever happens. The most steps that
    /// it takes.
    pub(crate) fn ends_in(
        &self,
        ledger: &Ledger,
        property: &'static str,
        region: impl Fn(&M::State) -> bool,
        goal: impl Fn(&M::State) -> bool,
    ) -> Result<usize, Failure> {
        let mut longest = vec![Longest::Unseen; self.len()];
        let mut most = 0;
        for start in (0..self.len()).filter(|&at| region(&self.states[at])) {
            ledger.count(property);
            let mut stack = vec![(start, 0)];
            while let Some((at, next)) = stack.pop() {
                if next == 0 && longest[at] != Longest::Unseen {
                    continue;
                }
                longest[at] = Longest::Open;
                if let Some(&(to, _)) = self.ways[at].get(next) {
                    stack.push((at, next + 1));
                    match longest[to as usize] {
                        Longest::Unseen => stack.push((to as usize, 0)),
                        // Met while it is open: it leads to itself.
                        Longest::Open => return Err(self.failure(at, property, "from here it may go round for ever")),
                        Longest::Steps(_) => {}
                    }
                    continue;
                }
                if self.ways[at].is_empty() && !goal(&self.states[at]) {
                    return Err(self.failure(at, property, "nothing more can happen here"));
                }
                let steps = self.ways[at].iter().map(|&(to, _)| longest[to as usize].steps() + 1).max().unwrap_or(0);
                longest[at] = Longest::Steps(steps);
                most = most.max(steps);
            }
        }
        Ok(most)
    }
}

/// The longest way on from a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Longest {
    Unseen,
    /// Its ways are being followed.
    Open,
    Steps(usize),
}

impl Longest {
    fn steps(self) -> usize {
        match self {
            Self::Steps(steps) => steps,
            Self::Unseen | Self::Open => 0,
        }
    }
}

/// A walk from 0 to 9 in steps of 2 and 3, which may be told to break something.
#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "numbers stay small";
    const ENDS: &str = "every walk ends";

    struct Walk {
        ledger: Ledger,
        most: u8,
        turns_back: bool,
    }

    impl Walk {
        fn new(most: u8, turns_back: bool) -> Self {
            Self { ledger: Ledger::new(&[SMALL, ENDS]), most, turns_back }
        }
    }

    impl Model for Walk {
        type State = u8;
        type Action = u8;

        fn start(&self) -> u8 {
            0
        }

        fn actions(&self, state: &u8) -> Vec<u8> {
            if *state < 9 { vec![2, 3] } else { Vec::new() }
        }

        fn step(&self, state: &mut u8, action: u8) -> Result<(), Broken> {
            *state = if self.turns_back && *state == 7 { 5 } else { (*state + action).min(9) };
            self.ledger.holds(SMALL, *state <= self.most, || format!("{state} is not"))
        }
    }

    fn complaint<T>(result: Result<T, Failure>) -> String {
        format!("{:?}", result.err().expect("something is broken"))
    }

    #[test]
    fn every_state_is_found_once_and_the_longest_way_is_known() {
        let walk = Walk::new(9, false);
        let graph = explore(&walk).unwrap();
        assert_eq!(graph.len(), 9, "all but 1");
        assert_eq!(graph.ends_in(&walk.ledger, ENDS, |_| true, |state| *state == 9).unwrap(), 5);
        graph.leads_to(&walk.ledger, ENDS, |_| true, |step| step == 3, |state| *state == 9).unwrap();
        assert!(walk.ledger.summary().unwrap().contains(ENDS));
    }

    #[test]
    fn a_broken_property_is_told_with_a_shortest_script() {
        let told = complaint(explore(&Walk::new(7, false)));
        assert_eq!(told, "numbers stay small: 8 is not\n  1. 2\n  2. 3\n  3. 3");
    }

    #[test]
    fn what_may_go_round_for_ever_and_what_gets_stuck_do_not_end() {
        let walk = Walk::new(9, true);
        let told = complaint(explore(&walk).unwrap().ends_in(&walk.ledger, ENDS, |_| true, |_| true));
        assert!(told.contains("for ever"), "{told}");
        let walk = Walk::new(9, false);
        let told = complaint(explore(&walk).unwrap().ends_in(&walk.ledger, ENDS, |_| true, |state| *state > 9));
        assert!(told.contains("nothing more can happen"), "{told}");
    }

    #[test]
    fn a_goal_that_cannot_be_reached_is_told() {
        let walk = Walk::new(9, false);
        let told =
            complaint(explore(&walk).unwrap().leads_to(&walk.ledger, ENDS, |_| true, |_| true, |state| *state == 8));
        assert!(told.contains("no way"), "{told}");
    }

    #[test]
    fn a_property_that_was_never_looked_at_does_not_hold() {
        let told = complaint(Walk::new(9, false).ledger.summary());
        assert!(told.contains("was never looked at"), "{told}");
    }
}
