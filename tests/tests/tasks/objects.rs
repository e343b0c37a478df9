//! Objects, callbacks, events, handles and bases, as async clients have them.

use std::sync::Arc;
use std::sync::mpsc::channel;

use alpc_rpc::{AsyncClient, TransportError};
use alpc_tests::club::{
    ClubAsyncClient, ClubClient, Ear, ListenerRef, MemberEvent, MemberRef, NamedAsyncClient,
};
use alpc_tests::executor::block_on;

use crate::cancelled::Party;

#[test]
fn an_object_that_a_call_returns_is_an_async_client() {
    let party = Party::new("returned objects");
    block_on(async {
        let club = party.connect().await;
        let (told, hear) = channel();
        let anna = club.join("anna", Ear { name: "anna", told }).await.unwrap();
        assert_eq!(anna.ask("how?").await.unwrap(), "anna: how?");
        anna.note("good").await.unwrap();
        assert_eq!(hear.recv().unwrap(), "good");
        assert!(club.find("ben").await.unwrap().is_none());
        let again = club.find("anna").await.unwrap().unwrap();
        assert!(club.are_same(&anna, Some(again.clone().into())).await.unwrap());
        assert!(!club.are_same(&anna, None).await.unwrap());
        assert_eq!(club.objects().await.unwrap(), 2);
        drop((anna, again));
        // Another worker may take up the release.
        while club.objects().await.unwrap() > 0 {}
        party.house.until_left("anna");
    });
}

#[test]
fn a_client_is_one_of_its_base_and_blocking_if_it_is_wanted() {
    let party = Party::new("conversions");
    let club: ClubClient = block_on(party.connect()).into();
    let (told, _hear) = channel();
    let anna = club.join("anna", Ear { name: "anna", told }).unwrap();
    block_on(async {
        let anna: alpc_tests::club::MemberAsyncClient = anna.into();
        // Through `Deref`, `AsRef` and `Into`.
        assert_eq!(anna.name().await.unwrap(), "anna");
        let named: &NamedAsyncClient = anna.as_ref();
        assert_eq!(named.name().await.unwrap(), "anna");
        let named: NamedAsyncClient = (&anna).into();
        assert_eq!(named.name().await.unwrap(), "anna");
        let own = MemberRef::from(&anna);
        assert!(format!("{own:?} {anna:?}").contains("MemberAsyncClient"));
        // What may be the caller's own is either.
        let club = ClubAsyncClient::from(club);
        let ListenerRef::Local(ear) = club.listener_of("anna").await.unwrap() else {
            panic!("it is our own");
        };
        assert_eq!(Arc::strong_count(&ear), 2, "the table's and this one");
    });
}

#[test]
fn handles_go_there_and_back() {
    let party = Party::new("handles of tasks");
    block_on(async {
        let club = party.connect().await;
        let pipe = club.pipe("through").await.unwrap();
        assert_eq!(club.read(&pipe).await.unwrap(), "through");
    });
}

#[test]
fn events_are_subscribed_to_in_a_task() {
    let party = Party::new("events of tasks");
    block_on(async {
        let club = party.connect().await;
        let (told, _hear) = channel();
        let anna = club.join("anna", Ear { name: "anna", told }).await.unwrap();
        let mut events = anna.events().await;
        for number in 0..10 {
            anna.note(&number.to_string()).await.unwrap();
            let MemberEvent::Noted { text, count } = events.next().await.unwrap().unwrap() else {
                panic!("there are no others");
            };
            assert_eq!((text, count), (number.to_string(), 7));
        }
    });
}

#[test]
fn events_end_with_their_object_and_with_the_server() {
    let party = Party::new("ends of events of tasks");
    block_on(async {
        let club = party.connect().await;
        let (told, _hear) = channel();
        let anna = club.join("anna", Ear { name: "anna", told: told.clone() }).await.unwrap();
        let mut events = anna.events().await;
        drop(anna);
        party.house.until_left("anna");
        assert!(events.next().await.is_none());
        assert!(events.next().await.is_none());

        let ben = club.join("ben", Ear { name: "ben", told }).await.unwrap();
        let mut events = ben.events().await;
        let ending = std::thread::spawn(move || drop(party));
        let end = events.next().await;
        assert!(matches!(end, Some(Err(TransportError::Disconnected { .. }))));
        assert!(events.next().await.is_none());
        // One that cannot be had says why, once.
        let mut events = ben.events().await;
        assert!(matches!(events.next().await, Some(Err(TransportError::Disconnected { .. }))));
        assert!(events.next().await.is_none());
        ending.join().unwrap();
    });
}

#[test]
fn calls_can_be_sent_to_other_threads() {
    fn is_send<T: Send>(it: T) -> T {
        it
    }
    let party = Party::new("futures are Send");
    let folder = party.attributes();
    let connecting = is_send(ClubAsyncClient::connect_with("club", &folder));
    let club = std::thread::spawn(|| block_on(connecting)).join().unwrap().unwrap();
    let (told, _hear) = channel();
    let anna = block_on(is_send(club.join("anna", Ear { name: "anna", told }))).unwrap();
    let events = block_on(is_send(anna.events()));
    block_on(is_send(club.observed(|club| async move { club.pipe("x").await }))).0.unwrap();
    drop(is_send(events));
}
