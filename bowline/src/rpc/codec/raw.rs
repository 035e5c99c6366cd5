//! The codec that is none: one string of bytes, as it is.

use std::fmt;

use serde::de::value::SeqDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, SeqAccess, Visitor};
use serde::ser::{Impossible, Serialize, SerializeSeq, SerializeTuple, Serializer};
use serde::{de, forward_to_deserialize_any, ser};

use super::{DecodeError, EncodeError, Format, blob};
use crate::Part;

/// One string of bytes; a [`Blob`](super::Blob) is shared.
pub(super) struct Raw;

impl Format for Raw {
    fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Part, EncodeError> {
        match blob::taking(|| value.serialize(Encoder)) {
            Ok(Form::Bytes(part)) => Ok(part),
            Ok(Form::Byte(byte)) => Ok(Part::copy_from_slice(&[byte])),
            Err(problem) => Err(EncodeError::Raw(problem)),
        }
    }

    fn decode<T: DeserializeOwned>(encoded: &[u8]) -> Result<T, DecodeError> {
        T::deserialize(Decoder(encoded)).map_err(DecodeError::Raw)
    }
}

/// Why a value can't travel as raw bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRaw {
    /// It is neither one string of bytes nor one text nor nothing.
    #[error("the type is not one string of bytes")]
    NotBytes,
    /// The bytes are no UTF-8, but a text is expected.
    #[error("the text is not UTF-8")]
    NotText,
    /// There are bytes where there should be none.
    #[error("there are bytes, but the type has no place for them")]
    NotEmpty,
    /// The type's own `Serialize` or `Deserialize` says so.
    #[error("{0}")]
    Custom(Box<str>),
}

impl ser::Error for NotRaw {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Custom(problem.to_string().into())
    }
}

impl de::Error for NotRaw {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Custom(problem.to_string().into())
    }
}

/// What a value turned out to be: only lists may be made of single bytes.
enum Form {
    Byte(u8),
    Bytes(Part),
}

struct Encoder;

macro_rules! refuse {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$ok, NotRaw> {
            Err(NotRaw::NotBytes)
        })*
    };
}

type Nothing = Impossible<Form, NotRaw>;

impl Serializer for Encoder {
    type Ok = Form;
    type Error = NotRaw;
    type SerializeSeq = List;
    type SerializeTuple = Only;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Nothing;
    type SerializeMap = Nothing;
    type SerializeStruct = Nothing;
    type SerializeStructVariant = Nothing;

    fn serialize_bytes(self, bytes: &[u8]) -> Result<Form, NotRaw> {
        Ok(Form::Bytes(blob::taken(bytes).map_or_else(|| Part::copy_from_slice(bytes), Part::from)))
    }

    fn serialize_str(self, text: &str) -> Result<Form, NotRaw> {
        Ok(Form::Bytes(text.into()))
    }

    fn serialize_u8(self, byte: u8) -> Result<Form, NotRaw> {
        Ok(Form::Byte(byte))
    }

    fn serialize_unit(self) -> Result<Form, NotRaw> {
        Ok(Form::Bytes(Part::EMPTY))
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<Form, NotRaw> {
        self.serialize_unit()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<Form, NotRaw> {
        value.serialize(self)
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<List, NotRaw> {
        Ok(List(Vec::with_capacity(len.unwrap_or(0))))
    }

    fn serialize_tuple(self, len: usize) -> Result<Only, NotRaw> {
        if len <= 1 { Ok(Only(Form::Bytes(Part::EMPTY))) } else { Err(NotRaw::NotBytes) }
    }

    refuse! {
        serialize_bool(bool) -> Form;
        serialize_i8(i8) -> Form;
        serialize_i16(i16) -> Form;
        serialize_i32(i32) -> Form;
        serialize_i64(i64) -> Form;
        serialize_u16(u16) -> Form;
        serialize_u32(u32) -> Form;
        serialize_u64(u64) -> Form;
        serialize_f32(f32) -> Form;
        serialize_f64(f64) -> Form;
        serialize_char(char) -> Form;
        serialize_none() -> Form;
        serialize_unit_variant(&'static str, u32, &'static str) -> Form;
        serialize_tuple_struct(&'static str, usize) -> Nothing;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Nothing;
        serialize_map(Option<usize>) -> Nothing;
        serialize_struct(&'static str, usize) -> Nothing;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Nothing;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _value: &T) -> Result<Form, NotRaw> {
        Err(NotRaw::NotBytes)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<Form, NotRaw> {
        Err(NotRaw::NotBytes)
    }
}

/// A list of bytes.
struct List(Vec<u8>);

impl SerializeSeq for List {
    type Ok = Form;
    type Error = NotRaw;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotRaw> {
        match value.serialize(Encoder)? {
            Form::Byte(byte) => self.0.push(byte),
            Form::Bytes(_) => return Err(NotRaw::NotBytes),
        }
        Ok(())
    }

    fn end(self) -> Result<Form, NotRaw> {
        Ok(Form::Bytes(self.0.into()))
    }
}

/// A tuple of one, as the arguments of a method with one argument are; or of none.
struct Only(Form);

impl SerializeTuple for Only {
    type Ok = Form;
    type Error = NotRaw;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotRaw> {
        self.0 = value.serialize(Encoder)?;
        Ok(())
    }

    fn end(self) -> Result<Form, NotRaw> {
        Ok(self.0)
    }
}

struct Decoder<'de>(&'de [u8]);

impl<'de> Decoder<'de> {
    fn text(&self) -> Result<&'de str, NotRaw> {
        std::str::from_utf8(self.0).map_err(|_| NotRaw::NotText)
    }

    fn none(&self) -> Result<(), NotRaw> {
        if self.0.is_empty() { Ok(()) } else { Err(NotRaw::NotEmpty) }
    }
}

impl<'de> Deserializer<'de> for Decoder<'de> {
    type Error = NotRaw;

    /// Whatever has no method of its own below is not one string of bytes.
    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, NotRaw> {
        Err(NotRaw::NotBytes)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        visitor.visit_borrowed_bytes(self.0)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        visitor.visit_borrowed_str(self.text()?)
    }

    fn deserialize_u8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        match self.0 {
            [byte] => visitor.visit_u8(*byte),
            _ => Err(NotRaw::NotBytes),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        self.none()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotRaw> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NotRaw> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NotRaw> {
        visitor.visit_seq(SeqDeserializer::new(self.0.iter().copied()))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, NotRaw> {
        match len {
            0 => self.none().and_then(|()| visitor.visit_seq(Once(None))),
            1 => visitor.visit_seq(Once(Some(self))),
            _ => Err(NotRaw::NotBytes),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u16 u32 u64 u128 f32 f64 char option
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A tuple of one, or of none.
struct Once<'de>(Option<Decoder<'de>>);

impl<'de> SeqAccess<'de> for Once<'de> {
    type Error = NotRaw;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, NotRaw> {
        self.0.take().map(|decoder| seed.deserialize(decoder)).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(usize::from(self.0.is_some()))
    }
}
