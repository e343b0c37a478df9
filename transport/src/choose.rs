//! Which way a bulk argument travels. The only place that compares sizes.

use crate::port::attributes::DirectAvailability;

/// The three ways of ALPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// Copied through the message queue.
    Copy,
    /// Through a section: in chunks through its window, or as a frozen section by its number.
    Section,
    /// Read or written in place, in the client's memory.
    Direct,
}

/// Why a way was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// It is no longer than the copy limit and fits the message.
    FitsMessage,
    /// Longer than the copy limit, or than what was left of the message; no longer than the view
    /// limit.
    FitsSection,
    /// It lies in a frozen section already: nothing is copied.
    Frozen,
    /// It was made inside a region of a section: nothing is copied.
    BuiltInPlace,
    /// Longer than the view limit.
    TooLargeForSection,
    /// Longer than the view limit, but direct access is not to be had on this channel.
    DirectUnavailable(DirectAvailability),
    /// Whoever sent it wished for this way, and it could be taken.
    Wished,
}

impl Reason {
    /// A short clause for people.
    pub fn text(self) -> &'static str {
        match self {
            Reason::Wished => "wished for",
            Reason::FitsMessage => "fits the message",
            Reason::FitsSection => "fits a section",
            Reason::Frozen => "frozen already",
            Reason::BuiltInPlace => "built in a section",
            Reason::TooLargeForSection => "too large for a section",
            Reason::DirectUnavailable(DirectAvailability::Forbidden) => "direct access forbidden",
            Reason::DirectUnavailable(DirectAvailability::OtherUser) => "peer is another user",
            Reason::DirectUnavailable(_) => "direct access not to be had",
        }
    }
}

/// What the choice depends on besides the length.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    /// Longest argument that is copied.
    pub(crate) copy_limit: u64,
    /// Longest argument that goes by section when direct access is to be had.
    pub(crate) view_limit: u64,
    /// Bytes that are left in the message.
    pub(crate) room: u64,
    /// Whether the server may reach into the client's memory.
    pub(crate) direct: DirectAvailability,
}

/// The way of one bulk argument of `len` bytes that lies in private memory. A wish goes before the
/// limits that only say what pays, and not before what is possible.
pub(crate) fn choose(len: u64, wish: Option<Way>, circumstances: Circumstances) -> (Way, Reason) {
    let Circumstances { copy_limit, view_limit, room, direct } = circumstances;
    let can_be_had = match wish {
        Some(Way::Copy) => len <= room,
        // Nothing has no bytes that could be anywhere else than in the message.
        Some(Way::Section) => len > 0,
        Some(Way::Direct) => len > 0 && direct == DirectAvailability::Available,
        None => false,
    };
    if let (Some(way), true) = (wish, can_be_had) {
        (way, Reason::Wished)
    } else if len <= copy_limit && len <= room {
        (Way::Copy, Reason::FitsMessage)
    } else if len <= view_limit {
        (Way::Section, Reason::FitsSection)
    } else if direct == DirectAvailability::Available {
        (Way::Direct, Reason::TooLargeForSection)
    } else {
        (Way::Section, Reason::DirectUnavailable(direct))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::port::attributes::Limits;

    #[test]
    fn the_way_follows_from_size_and_circumstances() {
        let usual = Circumstances {
            copy_limit: 100,
            view_limit: 1000,
            room: 5000,
            direct: DirectAvailability::Available,
        };
        let way = |len, circumstances| choose(len, None, circumstances);
        assert_eq!(way(0, usual), (Way::Copy, Reason::FitsMessage));
        assert_eq!(way(100, usual), (Way::Copy, Reason::FitsMessage));
        assert_eq!(way(101, usual), (Way::Section, Reason::FitsSection));
        assert_eq!(way(1000, usual), (Way::Section, Reason::FitsSection));
        assert_eq!(way(1001, usual), (Way::Direct, Reason::TooLargeForSection));
        let crowded = Circumstances { room: 50, ..usual };
        assert_eq!(way(60, crowded), (Way::Section, Reason::FitsSection));
        let forbidden = Circumstances { direct: DirectAvailability::OtherUser, ..usual };
        assert_eq!(
            way(1001, forbidden),
            (Way::Section, Reason::DirectUnavailable(DirectAvailability::OtherUser))
        );
    }

    #[test]
    fn a_wish_goes_before_what_pays_and_not_before_what_is_possible() {
        let usual = Circumstances {
            copy_limit: 100,
            view_limit: 1000,
            room: 5000,
            direct: DirectAvailability::Available,
        };
        for (wish, lens) in [(Way::Copy, [0, 50, 5000]), (Way::Section, [1, 50, 9000])] {
            assert_eq!(lens.map(|len| choose(len, Some(wish), usual)), [(wish, Reason::Wished); 3]);
        }
        assert_eq!(choose(1, Some(Way::Direct), usual), (Way::Direct, Reason::Wished));

        let fits = (Way::Copy, Reason::FitsMessage);
        assert_eq!(choose(0, Some(Way::Section), usual), fits);
        assert_eq!(choose(0, Some(Way::Direct), usual), fits);
        let too_long = (Way::Direct, Reason::TooLargeForSection);
        assert_eq!(choose(5001, Some(Way::Copy), usual), too_long);
        let forbidden = Circumstances { direct: DirectAvailability::Forbidden, ..usual };
        assert_eq!(choose(50, Some(Way::Direct), forbidden), fits);
    }

    #[test]
    fn all_three_ways_occur_by_size_with_the_defaults() {
        let Limits { copy_limit, view_limit, max_message_len, .. } = Limits::default();
        let circumstances = Circumstances {
            copy_limit: copy_limit as u64,
            view_limit: view_limit as u64,
            room: max_message_len as u64,
            direct: DirectAvailability::Available,
        };
        let way = |len| choose(len, None, circumstances).0;
        assert_eq!([1, 60 << 10].map(way), [Way::Copy; 2]);
        assert_eq!([65_536, 1 << 20, 32 << 20].map(way), [Way::Section; 3]);
        assert_eq!([33 << 20, 1 << 30].map(way), [Way::Direct; 2]);
    }
}
