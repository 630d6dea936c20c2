//! Offsets of pages: opaque to clients, cursors to the database.

use vitrine_access::audit::AuditEvent;
use vitrine_access::ids::{AuditId, JobId, ModelId};
use vitrine_access::time::Timestamp;
use vitrine_model::Version;
use vitrine_store::{
    AuditCursor, ComputationCursor, ListCursor, ModelCursor, ResultCursor, SortBy,
};

use crate::error::{Error, ErrorKind, Result};

fn parts(offset: &str) -> Option<(Timestamp, &str)> {
    let (created_at, rest) = offset.split_once('.')?;
    Some((Timestamp::from_unix_ms(created_at.parse().ok()?), rest))
}

fn foreign() -> Error {
    Error::new(
        ErrorKind::RequestInvalid,
        "'offset' is not one of this server's. Send the 'next_offset' of the page before.",
    )
}

pub(crate) fn to_model_cursor(offset: &str) -> Result<ModelCursor> {
    let (created_at, id) = parts(offset).ok_or_else(foreign)?;
    let id: ModelId = id.parse().map_err(|_| foreign())?;
    Ok(ModelCursor { created_at, id })
}

pub(crate) fn of_model_cursor(cursor: &ModelCursor) -> String {
    format!("{}.{}", cursor.created_at.unix_ms(), cursor.id)
}

/// The order is part of the offset: a page of one order does not go on in another.
pub(crate) fn to_list_cursor(offset: &str, order: (SortBy, bool)) -> Result<ListCursor> {
    let rest = offset.strip_prefix(&mark(order)).ok_or_else(foreign)?;
    let (at, id) = parts(rest).ok_or_else(foreign)?;
    let id: ModelId = id.parse().map_err(|_| foreign())?;
    Ok(ListCursor {
        at,
        id: *id.as_bytes(),
    })
}

pub(crate) fn of_list_cursor(cursor: &ListCursor, order: (SortBy, bool)) -> String {
    let id = ModelId::from_bytes(cursor.id);
    format!("{}{}.{id}", mark(order), cursor.at.unix_ms())
}

fn mark((sort, descending): (SortBy, bool)) -> String {
    let direction = if descending { "desc" } else { "asc" };
    format!("{}-{direction}:", sort.name())
}

pub(crate) fn to_result_cursor(offset: &str) -> Result<ResultCursor> {
    let (created_at, version) = parts(offset).ok_or_else(foreign)?;
    let version: Version = version.parse().map_err(|_| foreign())?;
    Ok(ResultCursor {
        created_at,
        version: version.to_string(),
    })
}

pub(crate) fn of_result_cursor(cursor: &ResultCursor) -> String {
    format!("{}.{}", cursor.created_at.unix_ms(), cursor.version)
}

pub(crate) fn to_audit_cursor(offset: &str) -> Result<AuditCursor> {
    let (at, id) = parts(offset).ok_or_else(foreign)?;
    let id: AuditId = id.parse().map_err(|_| foreign())?;
    Ok(AuditCursor { at, id })
}

pub(crate) fn of_audit_event(event: &AuditEvent) -> String {
    format!("{}.{}", event.at.unix_ms(), event.id)
}

pub(crate) fn to_computation_cursor(offset: &str) -> Result<ComputationCursor> {
    let (at, id) = parts(offset).ok_or_else(foreign)?;
    let id: JobId = id.parse().map_err(|_| foreign())?;
    Ok(ComputationCursor { at, id })
}

pub(crate) fn of_computation_cursor(cursor: &ComputationCursor) -> String {
    format!("{}.{}", cursor.at.unix_ms(), cursor.id)
}

/// Cuts the row away that was read only to see whether there are more; gives the page's last row
/// when there are.
pub(crate) fn cut_page<T>(rows: &mut Vec<T>, limit: u32) -> Option<&T> {
    let limit = limit as usize;
    if rows.len() <= limit {
        return None;
    }
    rows.truncate(limit);
    rows.last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_comes_back_as_the_same_cursor() {
        let id = ModelId::from_bytes([7; 16]);
        let cursor = ModelCursor {
            created_at: Timestamp::from_unix_ms(123),
            id,
        };
        let back = to_model_cursor(&of_model_cursor(&cursor)).unwrap();
        assert_eq!((back.created_at, back.id), (cursor.created_at, cursor.id));
    }

    #[test]
    fn a_foreign_offset_is_refused() {
        for offset in ["", "1", "x.y", "1.notanid"] {
            assert!(to_model_cursor(offset).is_err(), "{offset}");
        }
        for offset in ["", "1", "x.y", "1.", "1.\0", "1.notaversion"] {
            assert!(to_result_cursor(offset).is_err(), "{offset:?}");
        }
        let own = format!("1.{}", "0a".repeat(16));
        assert_eq!(of_result_cursor(&to_result_cursor(&own).unwrap()), own);
    }

    #[test]
    fn a_page_ends_where_no_row_follows() {
        let mut rows = vec![1, 2, 3];
        assert_eq!(cut_page(&mut rows, 3), None);
        assert_eq!(cut_page(&mut rows, 2).copied(), Some(2));
        assert_eq!(rows, [1, 2]);
    }
}
