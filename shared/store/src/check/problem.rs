//! The problems that a check can find.

macro_rules! problems {
    ($($variant:ident $name:literal $description:literal)*) => {
        /// A problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Problem { $(#[doc = $description] $variant),* }

        impl Problem {
            pub const ALL: [Problem; [$($name),*].len()] = [$(Problem::$variant),*];

            /// Its name in the answer of a check.
            pub fn name(self) -> &'static str {
                match self {
                    $(Problem::$variant => $name),*
                }
            }

            /// What is wrong, and what a repair does about it.
            pub fn description(self) -> &'static str {
                match self {
                    $(Problem::$variant => $description),*
                }
            }
        }
    };
}

problems! {
    NameMissing "nameMissing"
        "The resource is not found by its unique name, and another could take the name. The repair writes the item of \
         the name."
    FormerName "formerName"
        "The unique name is stored as an earlier release stored it, so that not every spelling of it finds the \
         resource. The repair stores it as this release does."
    NameOfAnother "nameOfAnother"
        "Another resource has the same unique name and is found by it. Rename or delete one of the two by SCIM."
    LookupMissing "lookupMissing"
        "The resource is not found by an externalId or an e-mail address that it has. The repair writes the item of \
         the value."
    ValueWithoutResource "valueWithoutResource"
        "A name, an externalId or an e-mail address belongs to a resource that does not exist. The repair deletes the \
         item of the value and publishes that the resource is deleted."
    ValueNotOfResource "valueNotOfResource"
        "A name, an externalId or an e-mail address belongs to a resource that has another one. The repair deletes the \
         item of the value."
    RecordMissing "recordMissing"
        "The change that wrote the resource's version has no record, so that no event reports it. The repair writes a \
         new version with a record of all attributes."
    RecordAhead "recordAhead"
        "A record contains a later version than the resource, so that consumers would take events of the next changes \
         for old ones. The repair writes a later version with a record of all attributes."
    DeletedButPresent "deletedButPresent"
        "The resource was deleted, and still exists. The repair completes the deletion."
    EdgeOneWay "edgeOneWay"
        "A membership is known to the group and not to the member, or the reverse. The repair decides by the latest \
         change record that names the member, or by the group's count and checksum of its members, and writes or \
         deletes the other membership item. If neither is certain, remove the member over SCIM and add it again."
    EdgeOfNobody "edgeOfNobody"
        "A group or a member that does not exist has membership items. The repair completes the deletion of the \
         resource."
    MembersMiscounted "membersMiscounted"
        "The group's count or checksum of its members differs from its membership items, so that its members cannot be \
         read. The repair counts them again."
    GroupsMiscounted "groupsMiscounted"
        "The resource's count of its groups differs from its membership items. The repair counts them again."
    PendingItemMissing "pendingItemMissing"
        "A large change of the group is pending, and nothing would complete it. The repair completes it."
    PendingItemAlone "pendingItemAlone"
        "A large change is listed as pending, and the group does not name it. The repair completes it."
    PendingNotListed "pendingNotListed"
        "A pending change or deletion is not on the list of unfinished changes, so that the function Settle does not \
         complete it. The repair completes it."
    ChunksMissing "chunksMissing"
        "Chunks of a pending change are missing, and with them the members that they would add or remove. The repair \
         completes the change with the chunks that exist. Synchronize the group from the identity provider."
    ChunksAlone "chunksAlone"
        "Chunks belong to no change that is pending. The repair deletes those of a change that was never committed, \
         and applies the others."
    ResourcesMiscounted "resourcesMiscounted"
        "The number of users or groups that lists show as totalResults is wrong. The repair counts them again."
    NotCounted "notCounted"
        "Clients change users, groups or members too often for their count to be checked. Check again at a quieter \
         time."
    Unreadable "unreadable"
        "An item cannot be read: a newer release has written it, or it is damaged. Deploy the newest release and check \
         again."
}
