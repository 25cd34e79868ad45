//! Lists the accounts of the organizational units that an operation grants to.

use thiserror::Error;
use tokio::time::Instant;

use super::error::ReconcileError;
use super::retry::Attempts;
use super::status::ReconcileStatus;
use crate::aws::clients::LambdaClients;
use crate::aws::error::{ApiError, ErrorKind};
use crate::aws::organizations::OrganizationsApi;
use crate::deadline::{RunError, run_until};
use crate::policy::organization::{MemberAccount, UnitId};
use crate::policy::role::Role;
use crate::resources::operation::{Mode, Operation};

/// Why the accounts of a unit are not known.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum UnitsError {
    /// The operator has named no role that may list accounts.
    #[error(
        "organizational units not configured: got `{0}`, grant to accounts or to the organization, or have the provider's operator set \
         `OrganizationsRoleArn` (docs/organizations.md)"
    )]
    NotConfigured(UnitId),
    /// The unit has no active account, or does not exist.
    #[error(
        "no account in the organizational unit: got `{0}`, correct the id or leave it out until there is an active account in it"
    )]
    Empty(UnitId),
    /// Organizations did not list all accounts.
    #[error(transparent)]
    NotListed(#[from] ApiError),
    /// It did not before the deadline.
    #[error("{0}")]
    OutOfTime(String),
}

impl UnitsError {
    /// Whether the accounts may have been known before, and may be later.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            Self::NotConfigured(_) | Self::Empty(_) => false,
            Self::NotListed(error) => error.kind != ErrorKind::AccessDenied,
            Self::OutOfTime(_) => true,
        }
    }
}

/// Adds to `operation` the statements for all accounts that are in its units now; `role` may list accounts.
///
/// # Errors
/// If the accounts of a unit are not known, all of them.
pub async fn expand(
    operation: &mut Operation,
    clients: &LambdaClients,
    role: Option<&Role>,
    end: Instant,
) -> Result<(), UnitsError> {
    let Some(first) = operation.units().first() else {
        return Ok(());
    };
    let Some(role) = role else {
        return Err(UnitsError::NotConfigured(first.unit.clone()));
    };
    let accounts = list_accounts(clients, role, end).await?;
    operation.expand(&accounts).map_err(UnitsError::Empty)
}

/// The active accounts of the organization, listed until `end` at most.
///
/// # Errors
/// If not all of them could be listed.
pub async fn list_accounts(
    clients: &LambdaClients,
    role: &Role,
    end: Instant,
) -> Result<Vec<MemberAccount>, UnitsError> {
    let status = ReconcileStatus::default();
    // Boxed: most operations name no unit.
    let listed = Box::pin(list(clients, role, &status));
    run_until(end, listed).await.map_err(|error| match error {
        RunError::Failed(ReconcileError::Api(error)) => UnitsError::NotListed(error),
        RunError::Failed(_) | RunError::Panicked | RunError::TimedOut => {
            UnitsError::OutOfTime(error.reason(status.last_error()))
        }
    })
}

async fn list(
    clients: &LambdaClients,
    role: &Role,
    status: &ReconcileStatus,
) -> Result<Vec<MemberAccount>, ReconcileError> {
    let (mut accounts, mut token, mut api) = (Vec::new(), None, None);
    let mut attempts = Attempts::default();
    loop {
        let page = match &api {
            Some(known) => OrganizationsApi::accounts(known, token.clone()).await,
            None => match clients.organizations(role).await {
                Ok(assumed) => {
                    api = Some(assumed);
                    continue;
                }
                Err(error) => Err(error),
            },
        };
        let page = match page {
            Ok(page) => page,
            Err(error) => {
                let limiter = clients.limiter();
                let pause = attempts.pause_after(error.into(), Mode::Apply, limiter, status);
                pause.await?;
                continue;
            }
        };
        attempts = Attempts::default();
        accounts.extend(page.accounts);
        token = page.next;
        if token.is_none() {
            return Ok(accounts);
        }
    }
}
