//! Flags and unions between programs of different ages: what one of them does not know is kept, so that
//! it can be passed on, or skipped where that does no harm.

#![expect(missing_docs, reason = "a test's own types are seen by nobody else")]

use alpc_rpc::__rt::v1::{decode::ValueReader, encode, serde};
use alpc_rpc::Alpc;
use proptest::prelude::*;

mod old {
    use alpc_rpc::Alpc;

    #[derive(Alpc, Clone, Copy, PartialEq, Eq)]
    #[alpc(flags(READ = 0x1, WRITE = 0x2))]
    pub(crate) struct Access(u8);

    #[derive(Alpc, Debug, Clone, PartialEq)]
    pub(crate) enum Shape {
        Empty,
        Circle { radius: u32 },
        Pair(u8, String),
        Unrecognized { tag: u32, payload: Vec<u8> },
    }
}

#[derive(Alpc, Clone, Copy, PartialEq, Eq)]
#[alpc(flags(READ = 0x1, WRITE = 0x2, EXECUTE = 0x40))]
pub struct Access(u16);

#[derive(Alpc, Debug, Clone, PartialEq)]
pub enum Shape {
    Empty,
    Circle {
        radius: u32,
        #[alpc(added = "1.1", default = "round")]
        name: String,
        #[alpc(added = "1.1")]
        access: Option<Access>,
    },
    Pair(u8, String),
    Group(Vec<Shape>),
    Unrecognized {
        tag: u32,
        payload: Vec<u8>,
    },
}

fn bytes(value: &impl serde::Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode::to_vec_in(value, &mut bytes).unwrap();
    bytes
}

fn read<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut reader = ValueReader::new(bytes);
    let value = reader.value("value").map_err(|error| error.to_string())?;
    assert!(reader.is_empty());
    Ok(value)
}

fn shapes() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        Just(Shape::Empty),
        (any::<u32>(), ".{0,9}", prop::option::of(any::<u16>())).prop_map(
            |(radius, name, access)| Shape::Circle {
                radius,
                name,
                access: access.map(Access::from_bits)
            }
        ),
        (any::<u8>(), ".{0,9}").prop_map(|(one, other)| Shape::Pair(one, other)),
        (5_u32.., any::<Vec<u8>>()).prop_map(|(tag, payload)| Shape::Unrecognized { tag, payload }),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Shape::Group))
}

proptest! {
    #[test]
    fn values_come_back(shape in shapes()) {
        prop_assert_eq!(read::<Shape>(&bytes(&shape)), Ok(shape));
    }

    #[test]
    fn what_an_old_program_does_not_know_survives_it(shape in shapes()) {
        let sent = bytes(&shape);
        let seen: old::Shape = read(&sent).unwrap();
        let passed_on: Shape = read(&bytes(&seen)).unwrap();
        match (&shape, &seen) {
            // Fields that it does not know are skipped, and the rest is as it was.
            (Shape::Circle { radius, .. }, old::Shape::Circle { radius: seen }) => {
                prop_assert_eq!(radius, seen);
                let round = Shape::Circle { radius: *radius, name: "round".to_owned(), access: None };
                prop_assert_eq!(passed_on, round);
            }
            // Everything else comes through whole, whatever its case.
            _ => prop_assert_eq!(passed_on, shape),
        }
    }

    #[test]
    fn bits_that_an_old_program_does_not_know_survive_it(bits: u16) {
        let sent = bytes(&Access::from_bits(bits));
        match read::<old::Access>(&sent) {
            Ok(seen) => {
                prop_assert_eq!(seen.unknown(), bits as u8 & !3);
                prop_assert_eq!(read::<Access>(&bytes(&seen)).map(Access::bits), Ok(bits));
            }
            // It keeps them in eight bits, and says so rather than drop some.
            Err(error) => {
                prop_assert!(bits > 0xff);
                prop_assert!(error.contains("bits of `Access` do not fit `u8`"), "{}", error);
            }
        }
    }
}
