//! Starts and stops the server.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use dualwright_engine::{Engine, Pair};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::plugins::Plugins;
use crate::routes::{activities, check, dead_letters, health, maps, nudges, plugins, records};

/// A push carries at most 256 kB (larger ones leave their parameters out), with room for headers of our own.
const BODY_MAX_BYTES: usize = 1024 * 1024;

/// How the server is reached and by whom.
#[derive(Clone)]
pub struct ControlSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// What the systems must send with each push.
    pub nudge_secret: String,
    /// What other callers must send as bearer token; may be left out on a loopback address only.
    pub token: Option<String>,
}

/// Why the server could not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address}: {reason}; set another address under [control] listen")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the machine said.
        reason: String,
    },
    /// Open to the network without a token.
    #[error(
        "[control] listen = {address} can be reached from outside this machine, so [control] token must be set"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
}

pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) pair: Pair,
    pub(crate) plugins: Option<Arc<Plugins>>,
    pub(crate) nudge_secret: String,
    pub(crate) token: Option<String>,
}

/// The running server.
pub struct Control {
    /// Where it listens; the port is the real one when 0 was asked for.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Control {
    /// Binds the address, before the engine needs to be there: systems can be told the address that is really ours.
    ///
    /// # Errors
    /// When the address cannot be bound, or is open to others without a token.
    pub async fn bind(settings: &ControlSettings) -> Result<TcpListener, ControlError> {
        let address = settings.listen;
        if settings.token.is_none() && !address.ip().is_loopback() {
            return Err(ControlError::Open { address });
        }
        TcpListener::bind(address)
            .await
            .map_err(|error| ControlError::Listen { address, reason: error.to_string() })
    }

    /// Serves on a bound address; without `plugins`, versions cannot be changed while it runs.
    ///
    /// # Errors
    /// When the address cannot be told.
    pub fn serve(
        listener: TcpListener,
        settings: ControlSettings,
        engine: Arc<Engine>,
        pair: Pair,
        plugins: Option<Arc<Plugins>>,
    ) -> Result<Self, ControlError> {
        let address = listener
            .local_addr()
            .map_err(|error| ControlError::Listen { address: settings.listen, reason: error.to_string() })?;
        let ControlSettings { nudge_secret, token, .. } = settings;
        let shared = Arc::new(Shared { engine, pair, plugins, nudge_secret, token });
        let (stop, mut stopped) = watch::channel(false);
        let app = router(shared);
        let task = tokio::spawn(async move {
            let until = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            };
            if let Err(error) = axum::serve(listener, app).with_graceful_shutdown(until).await {
                tracing::error!(%error, "the control server stopped");
            }
        });
        Ok(Self { address, stop, task })
    }

    /// Answers what is under way, then ends.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let _ = self.task.await;
    }
}

fn router(shared: Arc<Shared>) -> Router {
    let component_max = shared.plugins.as_ref().map_or(BODY_MAX_BYTES, |plugins| plugins.max_bytes());
    let install = post(plugins::install).layer(DefaultBodyLimit::max(component_max.saturating_add(1)));
    let guarded = Router::new()
        .route("/v1/plugins", get(plugins::list).merge(install))
        .route("/v1/maps/{map}/history", get(plugins::history))
        .route("/v1/maps/{map}/activate", post(plugins::activate))
        .route("/v1/maps/{map}/rollback", post(plugins::rollback))
        .route("/v1/maps/{map}/quarantine", post(plugins::quarantine))
        .route("/v1/maps/{map}/release", post(plugins::release))
        .route(
            "/v1/maps/{map}/shadow",
            get(plugins::shadow_report).post(plugins::shadow).delete(plugins::end_shadow),
        )
        .route("/v1/maps", get(maps::list))
        .route("/v1/maps/{map}/pause", post(maps::pause))
        .route("/v1/maps/{map}/resume", post(maps::resume))
        .route("/v1/maps/{map}/check", post(check::check))
        .route("/v1/maps/{map}/records", get(records::story))
        .route("/v1/maps/{map}/reapply", post(records::reapply))
        .route("/v1/dead-letters", get(dead_letters::list))
        .route("/v1/dead-letters/retry", post(dead_letters::retry))
        .route("/v1/dead-letters/skip", post(dead_letters::skip))
        .route("/v1/activities", get(activities::list))
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&shared), crate::auth::require_token));
    Router::new()
        .route("/health", get(health::show))
        .route("/nudges/{system}", post(nudges::receive))
        .merge(guarded)
        .layer(DefaultBodyLimit::max(BODY_MAX_BYTES))
        .with_state(shared)
}
