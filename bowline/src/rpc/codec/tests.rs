use std::collections::BTreeMap;

use proptest::prelude::*;
use serde::Deserialize;

use super::formats::COPIED;
use super::*;

const ALL: [Codec; 4] = [Codec::Raw, Codec::Postcard, Codec::MessagePack, Codec::Json];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Dot,
    Circle { radius: f64 },
    Path(Vec<(i32, i32)>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Picture {
    title: Option<String>,
    shapes: Vec<Shape>,
    tags: BTreeMap<String, u64>,
    pixels: Blob,
}

fn picture() -> Picture {
    Picture {
        title: Some("a boat".to_owned()),
        shapes: vec![Shape::Dot, Shape::Circle { radius: 1.5 }, Shape::Path(vec![(1, -2), (3, 400)])],
        tags: BTreeMap::from([("depth".to_owned(), u64::MAX)]),
        pixels: Blob::from(vec![7; 100]),
    }
}

fn back<T: Serialize + DeserializeOwned>(codec: Codec, value: &T) -> T {
    codec.decode(&codec.encode(value).expect("encodes")).expect("decodes")
}

#[test]
fn what_was_encoded_comes_back() {
    for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
        assert_eq!(back(codec, &picture()), picture(), "{codec}");
        assert_eq!(back(codec, &Ok::<(), String>(())), Ok(()), "{codec}");
        back::<()>(codec, &());
    }
}

#[test]
fn a_codec_is_found_by_its_number() {
    for codec in ALL {
        assert_eq!(Codec::from_number(codec.number()), Some(codec));
    }
    assert_eq!(Codec::from_number(4), None);
    assert_eq!(Codec::default(), Codec::Postcard);
}

#[test]
fn raw_bytes_are_the_bytes_themselves() {
    assert_eq!(Codec::Raw.encode("text").unwrap(), "text");
    assert_eq!(Codec::Raw.encode(&(vec![1_u8, 2, 3],)).unwrap(), [1, 2, 3]);
    assert_eq!(Codec::Raw.encode(&Blob::from("blob")).unwrap(), "blob");
    assert_eq!(Codec::Raw.encode(&()).unwrap(), "");
    assert_eq!(back(Codec::Raw, &("text".to_owned(),)), ("text".to_owned(),));
    assert_eq!(back(Codec::Raw, &vec![1_u8, 2, 3]), [1, 2, 3]);
    assert_eq!(back(Codec::Raw, &(Blob::from("blob"),)), (Blob::from("blob"),));
    back::<()>(Codec::Raw, &());
    back::<[u8; 0]>(Codec::Raw, &[]);
}

#[test]
fn what_is_not_one_string_of_bytes_is_not_raw() {
    fn refused<T: Serialize + DeserializeOwned>(value: &T) {
        assert!(matches!(Codec::Raw.encode(value), Err(EncodeError::Raw(NotRaw::NotBytes))));
        assert!(matches!(Codec::Raw.decode::<T>(&"bytes".into()), Err(DecodeError::Raw(_))));
    }
    refused(&7_u32);
    refused(&[1_u8, 2]);
    refused(&Some("text".to_owned()));
    refused(&("one".to_owned(), "two".to_owned()));
    refused(&vec!["a".to_owned()]);
    refused(&picture());
    refused(&Shape::Dot);
    assert!(matches!(Codec::Raw.decode::<()>(&"bytes".into()), Err(DecodeError::Raw(NotRaw::NotEmpty))));
    assert!(matches!(Codec::Raw.decode::<String>(&(&[0xff]).into()), Err(DecodeError::Raw(NotRaw::NotText))));
}

#[test]
fn a_raw_blob_is_shared_on_its_way_out_and_in() {
    let blob = Blob::from(vec![7; 1000]);
    let encoded = Codec::Raw.encode(&(&blob,)).unwrap();
    assert_eq!(encoded.as_ptr(), blob.as_ptr());
    let (decoded,): (Blob,) = Codec::Raw.decode(&encoded).unwrap();
    assert_eq!(decoded.as_ptr(), blob.as_ptr());
}

#[test]
fn what_is_encoded_already_passes_as_it_is_in_every_codec() {
    let bytes = Blob::from(vec![0xc1; 200]);
    for codec in ALL {
        let part = codec.encode(&Encoded(bytes.clone())).unwrap();
        assert_eq!(part.as_shared().unwrap().as_ptr(), bytes.as_ptr(), "{codec}");
        let Encoded(back) = codec.decode(&part).unwrap();
        assert_eq!(back.as_ptr(), bytes.as_ptr(), "{codec}");
        assert_eq!(back, bytes, "{codec}");
    }
}

#[test]
fn a_blob_inside_a_binary_message_shares_it() {
    for codec in [Codec::Postcard, Codec::MessagePack] {
        let encoded = codec.encode(&picture()).unwrap();
        let decoded: Picture = codec.decode(&encoded).unwrap();
        let within = encoded.as_ptr_range();
        assert!(within.contains(&decoded.pixels.as_ptr()), "{codec}");
    }
}

#[test]
fn a_blob_that_does_not_come_from_the_message_is_copied() {
    /// Whoever decodes this finds another value in it, encoded once more.
    #[derive(Debug, PartialEq)]
    struct Nested(Blob);
    impl Serialize for Nested {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let inner = Codec::Raw.encode(&self.0).map_err(serde::ser::Error::custom)?;
            serializer.serialize_bytes(&inner.iter().rev().copied().collect::<Vec<_>>())
        }
    }
    impl<'de> Deserialize<'de> for Nested {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let reversed = Blob::deserialize(deserializer)?;
            let inner = Part::from(reversed.iter().rev().copied().collect::<Vec<_>>());
            Codec::Raw.decode(&inner).map(Self).map_err(serde::de::Error::custom)
        }
    }
    let nested = Nested(Blob::from((0..200).collect::<Vec<u8>>()));
    for codec in ALL {
        assert_eq!(back(codec, &nested), nested, "{codec}");
        assert_eq!(back(codec, &(Nested(Blob::from("short")),)).0.0, Blob::from("short"), "{codec}");
    }
}

#[test]
fn short_values_stay_inline_and_long_ones_come_whole() {
    for codec in [Codec::Postcard, Codec::MessagePack] {
        assert!(codec.encode("sixteen bytes ..").unwrap().as_shared().is_none(), "{codec}");
        for len in [Part::INLINE, COPIED - 8, COPIED, 10 * COPIED, 1] {
            let value = Blob::from(vec![7; len]);
            assert_eq!(back(codec, &value), value, "{codec}");
        }
    }
}

#[test]
fn a_value_that_fails_to_encode_leaves_nothing_for_the_next_one() {
    struct Halfway;
    impl Serialize for Halfway {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeTuple;
            let mut tuple = serializer.serialize_tuple(2)?;
            tuple.serialize_element("written")?;
            Err(serde::ser::Error::custom("no further"))
        }
    }
    for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
        assert!(codec.encode(&Halfway).is_err(), "{codec}");
        assert_eq!(back(codec, &7_u32), 7, "{codec}");
    }
}

#[test]
fn bytes_behind_a_value_are_refused() {
    for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
        let mut bytes = codec.encode(&7_u32).unwrap().to_vec();
        // A whole value, half of one, and a byte that MessagePack never uses.
        for more in [&[7][..], &[0xda], &[0xc1]] {
            let len = bytes.len();
            bytes.extend(more);
            assert!(codec.decode::<u32>(&bytes.clone().into()).is_err(), "{codec} {more:?}");
            bytes.truncate(len);
        }
    }
}

#[test]
fn a_self_describing_codec_passes_over_fields_that_it_does_not_know() {
    #[derive(Serialize)]
    struct New {
        key: &'static str,
        more: u32,
    }
    #[derive(Debug, PartialEq, Deserialize)]
    struct Old {
        key: String,
    }
    for codec in ALL.into_iter().filter(|codec| codec.is_self_describing()) {
        let encoded = codec.encode(&New { key: "k", more: 1 }).unwrap();
        assert_eq!(codec.decode::<Old>(&encoded).unwrap(), Old { key: "k".to_owned() }, "{codec}");
    }
}

/// Types that contain themselves, in each way that a type can.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Tree {
    Leaf,
    Node(Box<Tree>),
    Pair(Box<Tree>, u8),
    Named { tree: Box<Tree> },
    List(Vec<Tree>),
    Table(BTreeMap<u8, Tree>),
    Maybe(Option<Box<Tree>>),
    New(Box<NewType>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct NewType(Tree);

impl Tree {
    /// A tree of so many nodes one within the other.
    fn grown(depth: usize, node: fn(Self) -> Self) -> Self {
        (0..depth).fold(Self::Leaf, |tree, _| node(tree))
    }
}

/// Runs on a stack of 512 KiB, a quarter of what a thread of tokio has.
fn on_a_small_stack(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(512 * 1024).spawn(test);
    thread.expect("a thread").join().expect("the test passes");
}

#[test]
fn a_value_may_be_as_deep_as_the_limit_and_no_deeper() {
    on_a_small_stack(|| {
        type Grow = fn(Tree) -> Tree;
        let nodes: [(usize, Grow); 7] = [
            (1, |tree| Tree::Node(Box::new(tree))),
            (2, |tree| Tree::Pair(Box::new(tree), 1)),
            (2, |tree| Tree::Named { tree: Box::new(tree) }),
            (2, |tree| Tree::List(vec![tree])),
            (2, |tree| Tree::Table(BTreeMap::from([(1, tree)]))),
            (2, |tree| Tree::Maybe(Some(Box::new(tree)))),
            (2, |tree| Tree::New(Box::new(NewType(tree)))),
        ];
        for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
            for (levels, node) in nodes {
                // The leaf is a level as well.
                let most = (depth::DEPTH_MOST - 1) / levels;
                let deep = Tree::grown(most, node);
                assert_eq!(back(codec, &deep), deep, "{codec}");
                let deeper = codec.encode(&Tree::grown(most + 1, node)).expect("encodes");
                assert!(matches!(codec.decode::<Tree>(&deeper), Err(DecodeError::TooDeep(_))), "{codec} {deep:?}");
            }
        }
    });
}

#[test]
fn no_depth_that_a_peer_may_think_of_takes_all_the_stack() {
    // A type without an end, which takes no bytes to go deeper.
    #[derive(Debug, Deserialize)]
    struct Bottomless(#[expect(dead_code, reason = "there is no value of it")] Box<Bottomless>);
    const MANY: usize = 1_000_000;
    on_a_small_stack(|| {
        let nested = |open: &str, close: &str| Part::from([open.repeat(MANY), close.repeat(MANY)].concat());
        let bombs = [
            // The variant `Node`, a million times.
            (Codec::Postcard, Part::from(vec![1; MANY])),
            // A map of one entry: "Node".
            (Codec::MessagePack, Part::from(b"\x81\xa4Node".repeat(MANY))),
            (Codec::Json, nested(r#"{"Node":"#, "}")),
        ];
        for (codec, bomb) in bombs {
            assert!(matches!(codec.decode::<Tree>(&bomb), Err(DecodeError::TooDeep(_))), "{codec}");
        }
        for codec in [Codec::Postcard, Codec::MessagePack, Codec::Json] {
            assert!(matches!(codec.decode::<Bottomless>(&Part::EMPTY), Err(DecodeError::TooDeep(_))), "{codec}");
        }
        // Where a decoder passes over what it does not know, and where it takes whatever there is.
        let lists = nested("[", "]");
        assert!(matches!(Codec::Json.decode::<serde_json::Value>(&lists), Err(DecodeError::TooDeep(_))));
        let lists = Part::from(vec![0x91; MANY]);
        assert!(matches!(Codec::MessagePack.decode::<serde_json::Value>(&lists), Err(DecodeError::TooDeep(_))));
        let behind = Part::from([&[7][..], &lists].concat());
        assert!(matches!(Codec::MessagePack.decode::<u8>(&behind), Err(DecodeError::Trailing(_))));
    });
}

#[test]
fn what_says_of_itself_what_it_is_decodes_to_whatever_it_is() {
    let json = r#"{"list":[null,true,-1,1.5,"text",{"a":[]}]}"#;
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    for codec in ALL.into_iter().filter(|codec| codec.is_self_describing()) {
        assert_eq!(back(codec, &value), value, "{codec}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_a_decoder_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let part = Part::from(bytes);
        for codec in ALL {
            let _ = codec.decode::<Picture>(&part);
            let _ = codec.decode::<(Blob, String)>(&part);
            let _ = codec.decode::<Vec<u64>>(&part);
        }
    }

    #[test]
    fn any_blob_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        for codec in ALL {
            prop_assert_eq!(back(codec, &(Blob::from(bytes.clone()),)), (Blob::from(bytes.clone()),));
        }
    }
}
