//! Reading a whole table, page by page (learn.microsoft.com: power-apps/developer/data-platform/webapi/query/page-results).

use dualwright_model::{Change, Operation};
use dualwright_odata::percent::encode_query;

use super::environment::Environment;
use super::row::{Image, Plan};
use crate::http::Request;
use crate::{ConnectError, ScanPage, ScanPosition, Selection, clock};

/// The largest page that Dataverse gives.
const LARGEST_PAGE: usize = 5000;
/// `@odata.count` says this and no more when there are more rows (see query/count-rows).
const COUNT_ENDS_AT: u64 = 5000;

impl Environment {
    /// How a selection is read. The key is always among its columns.
    pub(super) async fn plan(&self, selection: &Selection) -> Result<Plan, ConnectError> {
        let table = self.catalogue.table(&selection.table).await?;
        Plan::new(&self.catalogue, table, selection.columns.iter().chain(&selection.key)).await
    }

    pub(super) async fn scan(
        &self,
        selection: &Selection,
        from: Option<&ScanPosition>,
        page_size: usize,
    ) -> Result<ScanPage, ConnectError> {
        let plan = self.plan(selection).await?;
        let path = match from {
            Some(position) => position.0.clone(),
            None => {
                let filter =
                    selection.filter.as_ref().map(|filter| format!("&$filter={}", encode_query(filter)));
                format!(
                    "{}?$select={}{}&$orderby={}&$count=true",
                    plan.table.name(),
                    plan.select(),
                    filter.unwrap_or_default(),
                    plan.table.primary_id()
                )
            }
        };
        let observed_at = clock::now();
        let request = page_request(path, page_size, plan.annotations(), None);
        let page = self.page(&self.client.fetch(request).await?)?;
        let next = match &page.next_link {
            Some(link) => Some(ScanPosition(self.client.path_of(link)?)),
            None => None,
        };
        let total = page.count.filter(|count| from.is_none() && *count < COUNT_ENDS_AT);
        let images = self.images(&plan, &page.value).await?;
        Ok(ScanPage {
            changes: images.into_iter().map(|image| upsert(image, observed_at)).collect(),
            next,
            total,
        })
    }
}

/// A read of one page.
pub(super) fn page_request(
    path: String,
    page_size: usize,
    annotations: Option<&str>,
    tracking: Option<&str>,
) -> Request {
    let size = format!("odata.maxpagesize={}", page_size.clamp(1, LARGEST_PAGE));
    let preferences = [tracking, Some(size.as_str()), annotations];
    let preferences: Vec<&str> = preferences.into_iter().flatten().collect();
    Request::get(path).header("prefer", &preferences.join(","))
}

pub(super) fn upsert(image: Image, observed_at: dualwright_model::Timestamp) -> Change {
    Change {
        operation: Operation::Upsert,
        id: image.id,
        version: image.version,
        record: image.record,
        modified_at: image.modified_at,
        observed_at,
    }
}
