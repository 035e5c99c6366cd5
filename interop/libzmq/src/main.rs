//! Says where the library is.

#![forbid(unsafe_code)]

fn main() {
    println!("{}", env!("LIBZMQ"));
}
