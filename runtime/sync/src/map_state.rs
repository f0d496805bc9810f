//! The states of a map and which transition is allowed.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a map stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MapState {
    /// Nothing flows and nothing is captured.
    #[default]
    NotRunning,
    /// Existing rows are being synchronised; live changes wait in the journal.
    InitialSync,
    /// Changes flow.
    Running,
    /// Changes are captured and wait.
    Paused,
    /// What waited while paused or down is being applied.
    CatchingUp,
    /// Too many failures: changes are captured and wait for an operator.
    StoppedByErrors,
}

/// What is asked of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Request {
    /// Begin, with an initial sync.
    StartWithInitialSync,
    /// Begin without one.
    Start,
    /// The initial sync is through.
    InitialSyncDone,
    /// Hold changes back.
    Pause,
    /// Let them go.
    Resume,
    /// The backlog is applied.
    CaughtUp,
    /// Too many failures.
    TooManyErrors,
    /// End.
    Stop,
}

/// A request that does not fit the state.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a map that is {state} cannot be asked to {request}")]
pub struct TransitionError {
    state: MapState,
    request: Request,
}

impl MapState {
    /// The state after a request.
    ///
    /// # Errors
    /// When the request does not fit.
    pub fn after(self, request: Request) -> Result<Self, TransitionError> {
        use MapState as S;
        use Request as R;
        match (self, request) {
            (S::NotRunning | S::InitialSync, R::StartWithInitialSync) => Ok(S::InitialSync),
            (S::NotRunning, R::Start) | (S::Paused | S::StoppedByErrors, R::Resume) => Ok(S::CatchingUp),
            (S::Running | S::CatchingUp, R::Start) => Ok(S::CatchingUp),
            (S::InitialSync, R::InitialSyncDone) => Ok(S::CatchingUp),
            (S::CatchingUp, R::CaughtUp) => Ok(S::Running),
            (S::Running | S::CatchingUp, R::Pause) => Ok(S::Paused),
            (S::Running | S::CatchingUp | S::InitialSync, R::TooManyErrors) => Ok(S::StoppedByErrors),
            (_, R::Stop) => Ok(S::NotRunning),
            (state, request) => Err(TransitionError { state, request }),
        }
    }

    /// Whether journal entries are applied in this state.
    pub fn applies(self) -> bool {
        matches!(self, Self::Running | Self::CatchingUp)
    }

    /// The stored word.
    pub fn word(self) -> &'static str {
        match self {
            Self::NotRunning => "not-running",
            Self::InitialSync => "initial-sync",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::CatchingUp => "catching-up",
            Self::StoppedByErrors => "stopped-by-errors",
        }
    }

    /// Reads the stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::NotRunning,
            Self::InitialSync,
            Self::Running,
            Self::Paused,
            Self::CatchingUp,
            Self::StoppedByErrors,
        ]
        .into_iter()
        .find(|state| state.word() == word)
    }
}

impl fmt::Display for MapState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.word().replace('-', " "))
    }
}

impl fmt::Display for Request {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::StartWithInitialSync => "start with an initial sync",
            Self::Start => "start",
            Self::InitialSyncDone => "end its initial sync",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::CaughtUp => "end catching up",
            Self::TooManyErrors => "stop by errors",
            Self::Stop => "stop",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{MapState as S, Request as R};

    #[test]
    fn a_map_lives_its_life() {
        let mut state = S::NotRunning;
        for (request, expect) in [
            (R::StartWithInitialSync, S::InitialSync),
            (R::StartWithInitialSync, S::InitialSync),
            (R::InitialSyncDone, S::CatchingUp),
            (R::CaughtUp, S::Running),
            (R::Pause, S::Paused),
            (R::Resume, S::CatchingUp),
            (R::TooManyErrors, S::StoppedByErrors),
            (R::Stop, S::NotRunning),
        ] {
            state = state.after(request).unwrap();
            assert_eq!(state, expect);
            assert_eq!(S::from_word(state.word()), Some(state));
        }
        let refused = S::Paused.after(R::Pause).unwrap_err();
        assert_eq!(refused.to_string(), "a map that is paused cannot be asked to pause");
    }
}
