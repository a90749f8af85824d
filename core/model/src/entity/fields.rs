//! The names of a document's fields, asked of the code that reads it: so no list can be out of date.

use serde::de::{Deserializer, Error as _, Visitor, value};
use serde::{Deserialize, forward_to_deserialize_any};

/// The fields of a document.
pub(super) fn of<'de, D: Deserialize<'de>>() -> &'static [&'static str] {
    let mut found: &'static [&'static str] = &[];
    // There is nothing to read: it ends with an error as soon as it has said what it would look for.
    drop(D::deserialize(Asking(&mut found)));
    found
}

struct Asking<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Asking<'_> {
    type Error = value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, value::Error> {
        Err(value::Error::custom("there is no document"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, value::Error> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use crate::entity::EntityKind;

    #[test]
    fn every_kind_knows_its_fields() {
        for kind in EntityKind::ALL {
            assert!(kind.fields().contains(&"id"), "{kind:?}: {:?}", kind.fields());
        }
        let expected = ["id", "name", "clients", "domains", "time_zone", "operator", "suspended"];
        assert_eq!(EntityKind::Tenant.fields(), expected);
    }
}
