//! Splitting a change of members into chunks, so that one transaction and one item hold each of them.

use super::edge_changes::EdgeChanges;
use super::member::Member;

/// The number of members in a chunk. Each takes three of the 100 actions of a transaction; the mark of the chunk,
/// the correction of the group and the group's change record take the rest.
const MEMBERS_PER_CHUNK: usize = 32;
/// The size of a chunk in bytes, so that an item holds it. A chunk of one member may be larger.
const CHUNK_BYTES: usize = 100 * 1024;
/// The size of a member without its display name, in bytes.
const MEMBER_BYTES: usize = 100;

/// The size of a chunk in bytes, or more.
pub(crate) fn chunk_bytes(edges: &EdgeChanges) -> usize {
    let members = edges.add.iter().chain(&edges.update).chain(&edges.remove);
    members.map(|member| MEMBER_BYTES + member.display.as_ref().map_or(0, String::len)).sum()
}

/// Splits a change so that one transaction holds each chunk.
pub(crate) fn split_into_chunks(edges: &EdgeChanges) -> Vec<EdgeChanges> {
    split_by(edges, MEMBERS_PER_CHUNK)
}

/// Splits a chunk whose members are too large for one transaction.
pub(super) fn halves(edges: &EdgeChanges) -> Vec<EdgeChanges> {
    split_by(edges, edges.len().div_ceil(2))
}

/// Splits a change into chunks of at most so many members, in the order of their ids.
fn split_by(edges: &EdgeChanges, most: usize) -> Vec<EdgeChanges> {
    type Put = fn(&mut EdgeChanges, Member);
    let all = |members: &[Member], put: Put| members.iter().map(|it| (it.clone(), put)).collect::<Vec<_>>();
    let mut members = all(&edges.add, |edges, member| edges.add.push(member));
    members.extend(all(&edges.update, |edges, member| edges.update.push(member)));
    members.extend(all(&edges.remove, |edges, member| edges.remove.push(member)));
    members.sort_by(|(one, _), (other, _)| one.id.cmp(&other.id));
    let mut chunks: Vec<EdgeChanges> = Vec::new();
    let mut bytes_so_far = 0;
    for (member, put) in members {
        let bytes = MEMBER_BYTES + member.display.as_ref().map_or(0, String::len);
        bytes_so_far += bytes;
        match chunks.last_mut().filter(|chunk| chunk.len() < most && bytes_so_far <= CHUNK_BYTES) {
            Some(chunk) => put(chunk, member),
            None => {
                let mut chunk = EdgeChanges::default();
                bytes_so_far = bytes;
                put(&mut chunk, member);
                chunks.push(chunk);
            }
        }
    }
    chunks
}
