//! A server that accepts every client and answers calls of `Trial.add` with garbage.
//!
//! It is made of ports alone, since alpc-rpc has no way to say such things.

use alpc_rpc::transport::{
    Blob, Bytes, Completion, CompletionPort, ConnectionPort, PortAttributes, PortName, Reply,
    Result,
};

/// What it can answer with. Which one it is, the client asks for: the number is the call's `a`.
pub const ANSWERS: &[fn() -> Reply] = &[
    // The right answer, 7, so that a client can see that its connection still works.
    || Reply { body: vec![14], ..Reply::default() },
    // Nothing, where there should be a number.
    Reply::default,
    // A number that never ends.
    || Reply { body: vec![0xFF; 40], ..Reply::default() },
    // A body that is said to be beside the message, and is not there.
    || Reply { tag: 1, ..Reply::default() },
    // A body beside the message that holds nothing either.
    || Reply { tag: 1, results: vec![Bytes::Vec(vec![])], ..Reply::default() },
    // A body in a frozen section, where ours never is.
    || {
        let blob = Blob::new(&[14]).expect("memory for a test");
        Reply { tag: 1, results: vec![Bytes::Blob(blob)], ..Reply::default() }
    },
    // An error of the interface's, which the method has not.
    || Reply { status: u16::MAX - 1, body: b"\x01\x00".to_vec(), ..Reply::default() },
    // A fault that nobody knows, with a text that is out to steer a terminal.
    || Reply { status: 777, body: b"\x1b[2J\nforged: line \xFF".to_vec(), ..Reply::default() },
    // A fault whose text is longer than anybody reads.
    || Reply { status: 9, body: vec![b'z'; 20_000], ..Reply::default() },
    // Bytes that nobody asked for, after the right answer.
    || Reply { body: vec![14; 3000], results: vec![Bytes::Vec(vec![1; 3000])], ..Reply::default() },
];

/// Serves the port `name` until the process ends.
///
/// # Errors
///
/// When the name cannot be had, or the system cannot wait.
pub fn serve(name: &str, ready: impl FnOnce()) -> Result<()> {
    let connection = ConnectionPort::create(&PortName::new(name)?, &PortAttributes::new())?;
    let port = CompletionPort::new(connection)?;
    let mut worker = port.worker();
    ready();
    while let Some(completion) = worker.next()? {
        match completion {
            Completion::Connecting(request) => {
                // What the client wants is what it gets told that it has.
                let data = request.data().to_vec();
                let _gone = request.accept(&data);
            }
            Completion::Call(call) => {
                // Zigzag: the number is even on the wire.
                let number = call.body().first().map_or(0, |&byte| usize::from(byte / 2));
                let answer = ANSWERS
                    .get(number)
                    .or(ANSWERS.first())
                    .map_or_else(Reply::default, |make| make());
                let _gone = worker.reply(call, answer);
            }
            _ => {}
        }
    }
    Ok(())
}
