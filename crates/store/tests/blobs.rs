//! Blobs in a folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use futures::TryStreamExt as _;
use vitrine_access::BlobKey;
use vitrine_store::{BlobError, BlobOptions, Blobs};
use vitrine_testkit::TestFolder;

async fn open(folder: &TestFolder) -> Blobs {
    Blobs::open(&format!("file://{}", folder.path().join("blobs").display()))
        .await
        .unwrap()
}

fn file(folder: &TestFolder, key: BlobKey) -> PathBuf {
    let name = key.to_string();
    folder.path().join("blobs").join(&name[..2]).join(name)
}

async fn read(blobs: &Blobs, key: BlobKey, range: std::ops::Range<u64>) -> Vec<u8> {
    let pieces: Vec<Bytes> = blobs
        .stream(key, range)
        .await
        .unwrap()
        .try_collect()
        .await
        .unwrap();
    pieces.concat()
}

#[tokio::test]
async fn a_blob_is_named_by_its_content_and_read_back() {
    let folder = TestFolder::new();
    let blobs = open(&folder).await;
    for content in [
        Bytes::new(),
        Bytes::from_static(b"glTF"),
        Bytes::from(vec![7; 300_000]),
    ] {
        let key = blobs.put(content.clone()).await.unwrap();
        assert_eq!(key, BlobKey::of(&content));
        assert_eq!(
            blobs.put(content.clone()).await.unwrap(),
            key,
            "twice is once"
        );
        assert_eq!(blobs.get(key).await.unwrap(), content);
        assert_eq!(blobs.size(key).await.unwrap(), Some(content.len() as u64));
        assert!(blobs.exists(key).await.unwrap());
        assert!(file(&folder, key).exists());
    }
}

#[tokio::test]
async fn a_missing_blob_is_missing_everywhere() {
    let folder = TestFolder::new();
    let blobs = open(&folder).await;
    let key = BlobKey::of(b"never stored");
    assert_eq!(blobs.size(key).await.unwrap(), None);
    assert!(!blobs.exists(key).await.unwrap());
    assert!(matches!(blobs.get(key).await, Err(BlobError::Missing(missing)) if missing == key));
    assert!(matches!(
        blobs.stream(key, 0..1).await,
        Err(BlobError::Missing(_))
    ));
}

#[tokio::test]
async fn ranges_are_exact_and_stay_inside() {
    let folder = TestFolder::new();
    let blobs = open(&folder).await;
    let content: Vec<u8> = (0_u32..150_000).flat_map(u32::to_le_bytes).collect();
    let key = blobs.put(Bytes::from(content.clone())).await.unwrap();
    for (start, end) in [
        (0, 600_000),
        (0, 1),
        (599_999, 600_000),
        (12_345, 554_321),
        (0, 262_144),
        (262_143, 524_289),
        (5, 5),
        (600_000, 600_000),
    ] {
        let expected = &content[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
        assert_eq!(
            read(&blobs, key, start..end).await,
            expected,
            "{start}..{end}"
        );
    }
    #[expect(clippy::reversed_empty_ranges, reason = "clients may ask for it")]
    for range in [0..600_001, 600_001..600_001, 7..3] {
        let refused = blobs.stream(key, range.clone()).await.err();
        assert!(
            matches!(refused, Some(BlobError::Range { size: 600_000, .. })),
            "{range:?}"
        );
    }
}

#[tokio::test]
async fn a_blob_may_have_as_many_bytes_as_the_bound_and_not_one_more() {
    let folder = TestFolder::new();
    let url = format!("file://{}", folder.path().display());
    let options = BlobOptions {
        bytes_max: 10,
        ..BlobOptions::default()
    };
    let blobs = Blobs::open_with(&url, options).await.unwrap();
    blobs.put(Bytes::from_static(b"0123456789")).await.unwrap();
    let refused = blobs
        .put(Bytes::from_static(b"0123456789a"))
        .await
        .unwrap_err();
    assert!(
        matches!(
            refused,
            BlobError::TooLarge {
                given: 11,
                allowed: 10
            }
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn damaged_bytes_are_not_handed_out_and_a_cut_blob_is_written_again() {
    let folder = TestFolder::new();
    let blobs = open(&folder).await;
    let content = Bytes::from_static(b"exactly these bytes");
    let key = blobs.put(content.clone()).await.unwrap();
    fs::write(file(&folder, key), b"Exactly these bytes").unwrap();
    assert!(matches!(blobs.get(key).await, Err(BlobError::Damaged(_))));
    fs::write(file(&folder, key), b"exactly").unwrap();
    assert!(matches!(blobs.get(key).await, Err(BlobError::Damaged(_))));
    blobs.put(content.clone()).await.unwrap();
    assert_eq!(blobs.get(key).await.unwrap(), content);
}

#[tokio::test]
async fn unfinished_files_are_never_served_and_removed_by_the_next_who_opens_alone() {
    let folder = TestFolder::new();
    let first = open(&folder).await;
    let key = first.put(Bytes::from_static(b"whole")).await.unwrap();
    let unfinished_key = BlobKey::of(b"unfinished");
    let unfinished = file(&folder, unfinished_key).with_file_name(format!("{unfinished_key}#1"));
    fs::create_dir_all(unfinished.parent().unwrap()).unwrap();
    fs::write(&unfinished, b"unfin").unwrap();
    assert!(!first.exists(unfinished_key).await.unwrap());
    let second = open(&folder).await;
    assert!(
        unfinished.exists(),
        "the first one might still be writing it"
    );
    drop((first, second));
    let alone = open(&folder).await;
    assert!(!unfinished.exists());
    assert_eq!(alone.get(key).await.unwrap(), "whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_writers_of_the_same_content_agree() {
    let folder = TestFolder::new();
    let blobs = [open(&folder).await, open(&folder).await];
    let content = Bytes::from(vec![42; 1 << 20]);
    let mut tasks = tokio::task::JoinSet::new();
    for round in 0..16 {
        let (blobs, content) = (blobs[round % 2].clone(), content.clone());
        tasks.spawn(async move {
            let key = blobs.put(content.clone()).await.unwrap();
            assert_eq!(blobs.get(key).await.unwrap(), content);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
}

#[tokio::test]
async fn places_that_are_not_understood_are_refused() {
    for url in [
        "",
        "/blobs",
        "http://h/b",
        "file://relative",
        "s3://bucket/a//b",
    ] {
        let refused = Blobs::open(url).await.unwrap_err();
        assert!(
            matches!(refused, BlobError::Config(_)),
            "{url}: {refused:?}"
        );
    }
    let options = BlobOptions {
        s3: vec![("colour".to_owned(), "red".to_owned())],
        ..BlobOptions::default()
    };
    let refused = Blobs::open_with("s3://bucket/prefix", options)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("colour"), "{refused}");
}

#[tokio::test]
async fn a_bucket_opens_without_asking_it_anything() {
    let options = BlobOptions {
        s3: vec![("aws_region".to_owned(), "eu-central-1".to_owned())],
        ..BlobOptions::default()
    };
    Blobs::open_with("s3://bucket/some/prefix/", options)
        .await
        .unwrap();
}
