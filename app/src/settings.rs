//! The page of settings as far as it needs no browser: one setting while somebody edits it ([`editing`]), the rows of a
//! list ([`rows`]), and what there is to say about a change ([`words`]).

pub mod editing;
pub mod rows;
pub mod words;
