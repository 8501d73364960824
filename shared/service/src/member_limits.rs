//! The limits of the members that one request names, changes and filters.

use protocol::Error;
use protocol::limits::{FILTERED_MEMBERS, MEMBER_CHANGES};
use protocol::membership::Delta;

/// Rejects a request that names more members than one may change, although they may be members already. The service has
/// to read them in either case.
///
/// # Errors
/// [`Error::PayloadTooLarge`].
pub(crate) fn check_named(delta: &Delta) -> Result<(), Error> {
    let named = delta.add.len() + delta.remove.len();
    if named <= MEMBER_CHANGES {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "The request names {named} members; at most {MEMBER_CHANGES} can be named in one request. Nothing was changed. \
         Send PATCH requests that add and remove fewer members each."
    )))
}

/// Rejects a request that changes too many members.
///
/// # Errors
/// [`Error::PayloadTooLarge`].
pub(crate) fn check_changes(changes: usize) -> Result<(), Error> {
    if changes <= MEMBER_CHANGES {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "The request changes {changes} members or more; at most {MEMBER_CHANGES} can be changed in one request. \
         Nothing was changed. Send PATCH requests that add and remove fewer members each."
    )))
}

/// Rejects a replacement of all `count` members that would remove too many of them, before they are read.
///
/// # Errors
/// [`Error::PayloadTooLarge`].
pub(crate) fn check_replaced(count: u64, delta: &Delta) -> Result<(), Error> {
    check_changes(usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(delta.add.len()))
}

/// Rejects a filter that would have to be evaluated on all of `count` members.
///
/// # Errors
/// [`Error::PayloadTooLarge`].
pub(crate) fn check_filtered(count: u64) -> Result<(), Error> {
    if count <= FILTERED_MEMBERS {
        return Ok(());
    }
    Err(Error::PayloadTooLarge(format!(
        "The group has {count} members, and a filter can select members of a group of at most {FILTERED_MEMBERS}. Nothing was \
         changed. Remove members by their ids, as in members[value eq \"…\"], and change the display of members by adding them \
         again."
    )))
}

#[cfg(test)]
mod tests {
    use protocol::membership::{Member, MemberOperation, StatedType, fold};

    use super::*;

    fn replacement(members: usize) -> Delta {
        let member = |id: usize| Member { id: id.to_string(), display: None, stated_type: StatedType::Nothing };
        fold(vec![MemberOperation::Replace((0..members).map(member).collect())], &[], &[]).unwrap()
    }

    #[test]
    fn request_is_refused_by_the_size_of_the_group_before_its_members_are_read() {
        let most = MEMBER_CHANGES as u64;
        for (count, named, expect) in
            [(most, 0, Ok(())), (most + 1, 0, Err(413)), (most + 5, 5, Ok(())), (most + 6, 5, Err(413)), (0, 5, Ok(()))]
        {
            let checked = check_replaced(count, &replacement(named)).map_err(|error| error.status());
            assert_eq!(checked, expect, "{named} members in place of {count}");
        }
        assert!(check_filtered(FILTERED_MEMBERS).is_ok());
        assert_eq!(check_filtered(FILTERED_MEMBERS + 1).unwrap_err().status(), 413);
    }
}
