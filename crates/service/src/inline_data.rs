//! Data that results carry in themselves: JSON, not files. Whoever writes a model decides how much of
//! it there is, so that its sum is bounded wherever it is kept or sent.

use std::io::{self, Write};

use serde_json::Value;
use vitrine_model::{Body, EngineError, LimitExceeded, LimitKind, Results};
use vitrine_store::OutputVersionRecord;

use crate::asked::Failure;

/// Bytes of JSON that the results of one computation, or of one answer, may hold together: four of
/// the largest data outputs, or thousands of prices and weights.
pub(crate) const BYTES_MAX: usize = 1024 * 1024;

/// What a result costs in memory beside its data: texts, ids, a key and the cache's own books.
const RECORD_BYTES: usize = 1024;

/// Results whose data is not too much together.
///
/// # Errors
/// The limit that they go over.
pub(crate) fn bounded(results: Results) -> Result<Results, EngineError> {
    let bodies = results.items.iter().flat_map(|item| &item.content);
    let bytes: usize = bodies
        .map(|content| match &content.body {
            Body::Data(value) => text_bytes(value),
            Body::Bytes(_) => 0,
        })
        .sum();
    if bytes <= BYTES_MAX {
        return Ok(results);
    }
    Err(EngineError::Limit(LimitExceeded {
        limit: LimitKind::OutputBytes,
        at: "the data outputs together".to_owned(),
        spent: format!("{bytes} of {BYTES_MAX} bytes of JSON"),
        raise: "return less data".to_owned(),
    }))
}

/// How many results from the first on fit into one answer.
pub(crate) fn fitting(records: &[OutputVersionRecord]) -> usize {
    let mut bytes = 0;
    let fits = |record: &&OutputVersionRecord| {
        bytes += bytes_of(record);
        bytes <= BYTES_MAX
    };
    records.iter().take_while(fits).count()
}

/// What an answer says in place of a result that it has no room for.
pub(crate) fn too_much() -> Failure {
    Failure {
        status: "unrecoverableerror",
        message: format!(
            "The data outputs of this model are together larger than {BYTES_MAX} bytes of JSON, the \
             bound of one answer. Return less data from the model, or ask for this output alone."
        ),
    }
}

/// Bytes of the data of one result, as JSON text.
pub(crate) fn bytes_of(record: &OutputVersionRecord) -> usize {
    let data = record.content.iter().filter_map(|item| item.data.as_ref());
    data.map(text_bytes).sum()
}

/// About how many bytes of memory a result takes.
pub(crate) fn weight_of(record: &OutputVersionRecord) -> u32 {
    let data = record.content.iter().filter_map(|item| item.data.as_ref());
    let bytes = RECORD_BYTES + data.map(memory_bytes).sum::<usize>();
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

fn text_bytes(value: &Value) -> usize {
    struct Count(usize);
    impl Write for Count {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // A value of JSON has nothing that cannot be written, and counting does not fail.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

fn memory_bytes(value: &Value) -> usize {
    let own = size_of::<Value>();
    own + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.capacity(),
        Value::Array(items) => items.iter().map(memory_bytes).sum(),
        // A map keeps each key's text and hash, and an index of about two words.
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| size_of::<String>() + key.len() + 32 + memory_bytes(value))
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use vitrine_access::Timestamp;
    use vitrine_access::ids::ModelId;
    use vitrine_model::{ContentItem, OutputId, ResultItem, RunStats, Wanted};
    use vitrine_store::{ComputationStatus, ResultKind, StoredContent};

    use super::*;
    use crate::computations::Computations;

    /// A text that is `bytes` long as JSON, with its quotes.
    fn text(bytes: usize) -> Value {
        json!("x".repeat(bytes - 2))
    }

    fn results(sizes: &[usize]) -> Results {
        let items = sizes.iter().map(|bytes| ResultItem {
            wanted: Wanted::Output(OutputId::derive("lineage", "o")),
            content: vec![ContentItem {
                format: "data".into(),
                content_type: None,
                name: None,
                body: Body::Data(text(*bytes)),
                filename_ext: None,
            }],
            bbox: None,
        });
        Results {
            items: items.collect(),
            stats: RunStats::default(),
        }
    }

    fn record(data: Value) -> OutputVersionRecord {
        OutputVersionRecord {
            model: ModelId::from_bytes([1; 16]),
            kind: ResultKind::Output,
            output: "o".into(),
            version: "0".repeat(32),
            status: ComputationStatus::Success,
            content: vec![StoredContent {
                format: "data".into(),
                content_type: None,
                name: None,
                blob: None,
                size: 0,
                data: Some(data),
                filename_ext: None,
            }],
            bbox: None,
            created_at: Timestamp::from_unix_ms(0),
        }
    }

    #[test]
    fn data_of_one_computation_is_taken_up_to_its_bound_and_no_further() {
        let half = BYTES_MAX / 2;
        assert!(bounded(results(&[half, half])).is_ok());
        let refused = bounded(results(&[half, half + 1])).unwrap_err().to_string();
        assert!(refused.contains("1048577 of 1048576 bytes"), "{refused}");
        let records = [record(text(half)), record(text(half)), record(json!(1))];
        assert_eq!(fitting(&records), 2);
    }

    #[tokio::test]
    async fn results_in_memory_are_bounded_by_their_bytes() {
        let computations = Computations::new();
        let model = ModelId::from_bytes([1; 16]);
        // 256 KiB of JSON each, and forty times that in memory: a list of small numbers.
        let data = Value::Array(vec![json!(0); 128 * 1024]);
        let heavy = Arc::new(record(data));
        let weight = u64::from(weight_of(&heavy));
        assert!(weight > 3 * 1024 * 1024, "{weight}");
        for n in 0..100 {
            let version = format!("{n:032x}").parse().unwrap();
            let key = (model, version);
            computations.results.insert(key, Arc::clone(&heavy)).await;
        }
        computations.results.run_pending_tasks().await;
        let held = computations.results.weighted_size();
        assert!(held <= 64 * 1024 * 1024 && held >= weight, "{held}");
    }
}
