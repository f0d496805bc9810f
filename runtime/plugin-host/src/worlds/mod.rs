//! One file for each published world of the contract. An adapter turns its world's types into the room's own; limits
//! and grants are the same for all and sit below them (I6).

pub(crate) mod v1;
