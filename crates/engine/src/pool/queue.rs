//! The waiting line: bounded in total, fair between owners.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// The line is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// What has got its place in the line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Queued<T> {
    pub(crate) place: Place,
    /// What had to leave the full line for it: the newest item of the owner who had most.
    pub(crate) displaced: Option<T>,
}

/// A place in the line, unique over the life of the queue.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place(u64);

/// One lane per owner; the lanes take turns, so that an owner who asks a thousand times delays
/// the next owner by one job and no more. Nor does such an owner keep others out of a full line:
/// whoever has less in it takes the newest place of the one who has most.
#[derive(Debug)]
pub(crate) struct FairQueue<K, T> {
    lanes: HashMap<K, VecDeque<(Place, T)>>,
    /// The owners that have a lane, in the order of their turns.
    turns: VecDeque<K>,
    len: usize,
    len_max: usize,
    next_place: u64,
}

impl<K: Copy + Eq + Hash, T> FairQueue<K, T> {
    /// An empty line for at most `len_max` items.
    pub(crate) fn new(len_max: usize) -> Self {
        Self {
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            len: 0,
            len_max,
            next_place: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts an item at the end of its owner's lane. In a full line, the owner with the longest lane
    /// loses the newest item, unless the one who comes would then have as much as that.
    pub(crate) fn push(&mut self, owner: K, item: T) -> Result<Queued<T>, QueueFull> {
        let displaced = if self.len >= self.len_max {
            Some(self.displace_for(owner).ok_or(QueueFull)?)
        } else {
            None
        };
        let place = Place(self.next_place);
        self.next_place += 1;
        let turns = &mut self.turns;
        let lane = self.lanes.entry(owner).or_insert_with(|| {
            turns.push_back(owner);
            VecDeque::new()
        });
        lane.push_back((place, item));
        self.len += 1;
        Ok(Queued { place, displaced })
    }

    fn displace_for(&mut self, owner: K) -> Option<T> {
        let len_of = |owner: &K| self.lanes.get(owner).map_or(0, VecDeque::len);
        let longest = *self.turns.iter().max_by_key(|turn| len_of(turn))?;
        // At least one more than the newcomer will have: or two owners would displace each other for ever.
        if len_of(&owner) + 1 >= len_of(&longest) {
            return None;
        }
        // A lane that is longer than another by two does not become empty here.
        let (_, item) = self.lanes.get_mut(&longest)?.pop_back()?;
        self.len -= 1;
        Some(item)
    }

    /// The item whose turn it is.
    pub(crate) fn front(&self) -> Option<&T> {
        let lane = self.lanes.get(self.turns.front()?)?;
        lane.front().map(|(_, item)| item)
    }

    /// Takes the item whose turn it is; its owner goes to the end of the turns.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let owner = self.turns.pop_front()?;
        let lane = self.lanes.get_mut(&owner)?;
        let (_, item) = lane.pop_front()?;
        if lane.is_empty() {
            self.lanes.remove(&owner);
        } else {
            self.turns.push_back(owner);
        }
        self.len -= 1;
        Some(item)
    }

    /// Takes an item out of the line, wherever it stands; `None` when it has left already.
    pub(crate) fn remove(&mut self, owner: K, place: Place) -> Option<T> {
        let lane = self.lanes.get_mut(&owner)?;
        let index = lane.iter().position(|(found, _)| *found == place)?;
        let (_, item) = lane.remove(index)?;
        if lane.is_empty() {
            self.lanes.remove(&owner);
            self.turns.retain(|turn| *turn != owner);
        }
        self.len -= 1;
        Some(item)
    }

    /// Empties the line.
    pub(crate) fn drain(&mut self) -> Vec<T> {
        std::iter::from_fn(|| self.pop()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(items: &[(char, u32)]) -> FairQueue<char, u32> {
        let mut queue = FairQueue::new(100);
        for (owner, item) in items {
            queue.push(*owner, *item).unwrap();
        }
        queue
    }

    #[test]
    fn owners_take_turns_however_much_one_of_them_asks() {
        let mut queue = queue(&[('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('b', 6)]);
        assert_eq!(queue.drain(), [1, 4, 5, 2, 6, 3]);
        assert_eq!(queue.len(), 0);
    }

    #[test]
    fn front_is_what_pop_takes() {
        let mut queue = queue(&[('a', 1), ('a', 2), ('b', 3)]);
        while let Some(front) = queue.front().copied() {
            assert_eq!(queue.pop(), Some(front));
        }
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn the_line_takes_n_items_and_refuses_the_next() {
        let mut queue = FairQueue::new(2);
        queue.push('a', 1).unwrap();
        queue.push('b', 2).unwrap();
        assert_eq!(queue.push('c', 3), Err(QueueFull));
        queue.pop().unwrap();
        assert!(queue.push('c', 3).is_ok());
    }

    #[test]
    fn an_owner_who_fills_the_line_loses_places_to_others_and_takes_none_from_them() {
        let mut queue = FairQueue::new(6);
        for item in 1..=6 {
            queue.push('a', item).unwrap();
        }
        assert_eq!(queue.push('a', 7), Err(QueueFull));
        let mut displaced_by = |owner, item| queue.push(owner, item).map(|queued| queued.displaced);
        assert_eq!(displaced_by('b', 10), Ok(Some(6)));
        assert_eq!(displaced_by('c', 20), Ok(Some(5)));
        assert_eq!(displaced_by('b', 11), Ok(Some(4)));
        // 3, 2 and 1: only the last of them would have less than the first, even with one more.
        assert_eq!(displaced_by('b', 12), Err(QueueFull));
        assert_eq!(displaced_by('a', 8), Err(QueueFull));
        assert_eq!(displaced_by('c', 21), Ok(Some(3)));
        // Everybody has 2; who came last of them gives way to somebody with none.
        assert_eq!(displaced_by('d', 30), Ok(Some(21)));
        assert_eq!(queue.len(), 6);
        assert_eq!(queue.drain(), [1, 10, 20, 30, 2, 11]);
    }

    #[test]
    fn a_removed_item_frees_its_place_and_its_owners_turn() {
        let mut queue = FairQueue::new(2);
        let first = queue.push('a', 1).unwrap().place;
        queue.push('b', 2).unwrap();
        assert_eq!(queue.remove('a', first), Some(1));
        assert_eq!(queue.remove('a', first), None);
        assert!(queue.push('b', 3).is_ok());
        assert_eq!(queue.drain(), [2, 3]);
    }
}
