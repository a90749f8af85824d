#![doc = include_str!("../README.md")]

#[cfg(feature = "engines")]
pub mod engines;
pub mod estate;
pub mod load;
pub mod plain;
pub mod stored;
