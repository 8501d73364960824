//! The tasks of Okta, each a sequence of requests, and their shares.

/// One task of an identity provider.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
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

/// Each task, its number of requests, and how many of a hundred requests belong to such tasks.
const MIX: [(Task, u32, u32); 10] = [
    (Task::Find, 1, 12),
    (Task::Join, 2, 8),
    (Task::Leave, 1, 4),
    (Task::Update, 2, 20),
    (Task::Suspend, 4, 20),
    (Task::Rename, 1, 11),
    (Task::Members, 2, 14),
    (Task::Push, 5, 5),
    (Task::Import, 4, 4),
    (Task::Test, 1, 2),
];

/// The tasks of a hundred requests in random order, each with its number of requests.
pub(crate) fn hundred(random: &mut fastrand::Rng) -> Vec<(Task, u32)> {
    let mut tasks: Vec<(Task, u32)> = MIX
        .iter()
        .flat_map(|(task, requests, share)| std::iter::repeat_n((*task, *requests), (share / requests) as usize))
        .collect();
    random.shuffle(&mut tasks);
    tasks
}
