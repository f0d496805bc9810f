//! Reading a whole table, page by page, in the order of its key.

use dualwright_model::{Change, Operation, Timestamp};
use dualwright_odata::percent::encode_query;

use super::environment::{CROSS_COMPANY, Environment};
use super::row::{Page, Plan};
use crate::http::{Request, Response};
use crate::{ConnectError, Existing, ScanPage, ScanPosition, Selection, clock};

/// The largest page that F&O gives (learn.microsoft.com:
/// dynamics365/fin-ops-core/dev-itpro/data-entities/odata, "Paging").
const LARGEST_PAGE: usize = 10_000;

impl Environment {
    pub(super) async fn scan(
        &self,
        selection: &Selection,
        from: Option<&ScanPosition>,
        page_size: usize,
    ) -> Result<ScanPage, ConnectError> {
        let plan = self.plan(selection).await?;
        let path = match from {
            Some(position) => position.0.clone(),
            None => self.first_page(&plan, selection)?,
        };
        let size = format!("odata.maxpagesize={}", page_size.clamp(1, LARGEST_PAGE));
        let observed_at = clock::now();
        let page = self.page(&self.client.fetch(Request::get(path).header("prefer", &size)).await?)?;
        let next = match &page.next_link {
            Some(link) => Some(ScanPosition(self.client.path_of(link)?)),
            None => None,
        };
        let images: Result<Vec<Existing>, String> = page.value.iter().map(|row| plan.image(row)).collect();
        let images =
            images.map_err(|reason| self.client.protocol(format!("{}: {reason}", plan.table.name())))?;
        Ok(ScanPage {
            changes: images.into_iter().map(|image| upsert(image, observed_at)).collect(),
            next,
            total: page.count.filter(|_| from.is_none()),
        })
    }

    fn first_page(&self, plan: &Plan, selection: &Selection) -> Result<String, ConnectError> {
        let filter = match &selection.filter {
            Some(text) if !text.trim().is_empty() => {
                let filter = self.filter(&plan.table, text)?;
                format!("&$filter={}", encode_query(&filter.to_string()))
            }
            _ => String::new(),
        };
        let order: Vec<&str> = plan.table.key.iter().map(|column| column.name.as_str()).collect();
        Ok(format!(
            "{}?{CROSS_COMPANY}&$select={}{filter}&$orderby={}&$count=true",
            plan.table.name(),
            plan.select(),
            order.join(",")
        ))
    }

    /// Reads an answer to a query.
    pub(super) fn page(&self, response: &Response) -> Result<Page, ConnectError> {
        response.json().map_err(|reason| self.client.protocol(reason))
    }
}

fn upsert(image: Existing, observed_at: Timestamp) -> Change {
    Change {
        operation: Operation::Upsert,
        id: image.id,
        version: image.version,
        record: image.record,
        modified_at: image.modified_at,
        observed_at,
    }
}
