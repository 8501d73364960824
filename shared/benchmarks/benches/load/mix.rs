//! The jobs of Okta, each a sequence of requests, and their shares.

/// One job of an identity provider.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Job {
    /// Find an existing user.
    Find,
    /// Find that a user does not exist, and create it.
    Join,
    /// Delete a user. Okta never does, but the directory has to keep its size.
    Leave,
    /// Read a user and write it back with a change.
    Update,
    /// Deactivate a user, find it, reactivate it, and read it immediately.
    Suspend,
    /// Change a name.
    Rename,
    /// Add a member to a group, remove another, and read the group without members.
    Members,
    /// Find that a group does not exist, create it, add members, read it, and delete another.
    Push,
    /// Read all users in pages of 100, then all groups.
    Import,
    /// Test the connection.
    Test,
}

/// Each job, its number of requests, and how many of a hundred requests belong to such jobs.
const MIX: [(Job, u32, u32); 10] = [
    (Job::Find, 1, 12),
    (Job::Join, 2, 8),
    (Job::Leave, 1, 4),
    (Job::Update, 2, 20),
    (Job::Suspend, 4, 20),
    (Job::Rename, 1, 11),
    (Job::Members, 2, 14),
    (Job::Push, 5, 5),
    (Job::Import, 4, 4),
    (Job::Test, 1, 2),
];

/// The jobs of a hundred requests in random order, each with its number of requests.
pub(crate) fn hundred(random: &mut fastrand::Rng) -> Vec<(Job, u32)> {
    let mut jobs: Vec<(Job, u32)> = MIX
        .iter()
        .flat_map(|(job, requests, share)| std::iter::repeat_n((*job, *requests), (share / requests) as usize))
        .collect();
    random.shuffle(&mut jobs);
    jobs
}
