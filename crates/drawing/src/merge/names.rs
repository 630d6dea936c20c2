//! Names and handles: what those of the new drawing mean in the old one, and what it brings along.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Joiner;
use super::write::{Out, hex};
use crate::dxf::{handle, is_reference, kind};
use crate::encoding::fitted;
use crate::entity::Author;
use crate::tables::{BROUGHT, Key, by_name, is_space, tables};

/// Blocks inside blocks that are followed. People nest a handful.
const NESTING_MAX: usize = 50;

impl<'a> Joiner<'_, 'a> {
    /// The same names mean the same records, whatever handles they have.
    pub(super) fn map_names(&mut self) {
        for (key, record) in &self.new_names {
            let Some(theirs) = handle(self.new.record(record)) else {
                continue;
            };
            let mine = self.old_names.get(key);
            if let Some(mine) = mine.and_then(|record| handle(self.old.record(record))) {
                self.mapped.insert(theirs, mine);
            }
        }
        for table in &self.new_tables {
            let mine = self
                .old_tables
                .iter()
                .find(|known| known.name == table.name);
            if let (Some(theirs), Some(mine)) = (table.handle, mine.and_then(|known| known.handle))
            {
                self.mapped.insert(theirs, mine);
            }
        }
    }

    pub(super) fn give_handle(&mut self) -> u64 {
        while self.taken.contains_key(&self.next_handle) {
            self.next_handle += 1;
        }
        let given = self.next_handle;
        self.taken.insert(given, b"");
        self.next_handle += 1;
        given
    }

    /// Gives handles to records that are new to the old drawing: their own where those are free.
    pub(super) fn take_handles(&mut self, range: &Range<usize>) {
        for record in self.new.records(range.clone()) {
            let Some(theirs) = handle(self.new.record(&record)) else {
                continue;
            };
            if self.mapped.contains_key(&theirs) {
                continue;
            }
            let given = if self.taken.contains_key(&theirs) || theirs >= u64::MAX >> 1 {
                self.give_handle()
            } else {
                self.taken.insert(theirs, b"");
                self.next_handle = self.next_handle.max(theirs + 1);
                theirs
            };
            self.mapped.insert(theirs, given);
        }
    }

    /// What a handle of the new drawing means in the old one.
    pub(super) fn resolved(&self, theirs: u64) -> Option<u64> {
        if let Some(mapped) = self.mapped.get(&theirs) {
            return Some(*mapped);
        }
        let kind = self.sent.get(&theirs).copied().flatten()?;
        let same = self.taken.get(&theirs) == Some(&kind);
        same.then_some(theirs)
    }

    /// Records of tables that the old drawing does not have: those that are new, and those that the editor
    /// had of its own and that new entities name.
    pub(super) fn bring_tables(&mut self, fresh: &[Range<usize>]) {
        let seen = by_name(self.seen, &tables(self.seen));
        let seen = match self.author {
            Author::Same => seen,
            Author::Other => HashMap::new(),
        };
        let wanted: HashSet<Vec<u8>> = fresh
            .iter()
            .flat_map(|range| &self.new.pairs[range.clone()])
            .filter(|pair| matches!(pair.code, 3 | 6..=8 | 1001))
            .map(|pair| pair.trimmed().to_ascii_lowercase())
            .collect();
        let mut names: Vec<(Key, Range<usize>)> = self
            .new_names
            .iter()
            .filter(|((table, _), _)| BROUGHT.contains(&table.as_slice()))
            .filter(|(key, _)| !self.old_names.contains_key(*key))
            .filter(|(key, _)| !seen.contains_key(*key) || wanted.contains(&key.1))
            .map(|(key, record)| (key.clone(), record.clone()))
            .collect();
        // The order of the file, so that equal drawings give equal bytes.
        names.sort_by_key(|(_, record)| record.start);
        for (_, record) in &names {
            self.take_handles(record);
        }
        for ((table, _), record) in names {
            let owner = self.table_handle(&table);
            let pairs = self.rewritten(&record, None, owner);
            self.brought_tables.entry(table).or_default().push(pairs);
        }
    }

    pub(super) fn table_handle(&self, name: &[u8]) -> Option<u64> {
        let table = self.old_tables.iter().find(|table| table.name == name);
        table.and_then(|table| table.handle)
    }

    /// The block record of a space of the old drawing.
    pub(super) fn space(&self, in_paper: bool) -> Option<u64> {
        let name: &[u8] = if in_paper {
            b"*paper_space"
        } else {
            b"*model_space"
        };
        let key = (b"BLOCK_RECORD".to_vec(), name.to_vec());
        handle(self.old.record(self.old_names.get(&key)?))
    }

    /// The block that an entity of the new drawing inserts, by its name in the old one. Blocks that the
    /// old drawing does not have are brought along; so is the picture of a dimension, under a name of
    /// its own.
    pub(super) fn block_for(&mut self, name: &[u8], is_picture: bool) -> Option<Vec<u8>> {
        let low = name.to_ascii_lowercase();
        let key = (b"BLOCK_RECORD".to_vec(), low.clone());
        if let Some(known) = self.renamed.get(&low) {
            return Some(known.clone());
        }
        if self.old_names.contains_key(&key) && !is_picture {
            return Some(name.to_vec());
        }
        if is_space(name) || self.nesting == NESTING_MAX {
            return None;
        }
        let record = self.new_names.get(&key).cloned()?;
        let definition = self.new_blocks.get(&low).cloned()?;
        let given = if self.old_names.contains_key(&key) {
            self.free_block_name()
        } else {
            name.to_vec()
        };
        self.renamed.insert(low, given.clone());
        let given_key = (b"BLOCK_RECORD".to_vec(), given.to_ascii_lowercase());
        self.old_names.insert(given_key, 0..0);
        // A picture's record may share its name with one of the old drawing: it is another one.
        if let Some(theirs) = handle(self.new.record(&record)) {
            self.mapped.remove(&theirs);
        }
        self.take_handles(&record);
        self.take_handles(&definition);
        let owner = handle(self.new.record(&record)).and_then(|theirs| self.resolved(theirs));
        let table = self.table_handle(b"BLOCK_RECORD");
        let pairs = self.rewritten(&record, Some(&given), table);
        let brought = self.brought_tables.entry(b"BLOCK_RECORD".to_vec());
        brought.or_default().push(pairs);
        self.nesting += 1;
        let mut body = Vec::new();
        let inner: Vec<Range<usize>> = self.new.records(definition).collect();
        for part in inner {
            let is_frame = matches!(kind(self.new.record(&part)), b"BLOCK" | b"ENDBLK");
            let named = is_frame.then_some(given.as_slice());
            body.extend(self.rewritten(&part, named, owner));
        }
        self.nesting -= 1;
        self.brought_blocks.push(body);
        Some(given)
    }

    pub(super) fn free_block_name(&self) -> Vec<u8> {
        let free = (1_u32..).map(|number| format!("*D{number}").into_bytes());
        let is_taken = |name: &Vec<u8>| {
            let key = (b"BLOCK_RECORD".to_vec(), name.to_ascii_lowercase());
            self.old_names.contains_key(&key) || self.new_names.contains_key(&key)
        };
        free.into_iter()
            .find(|name| !is_taken(name))
            .unwrap_or_default()
    }

    /// A record of the new drawing as the old one can hold it: handles and names are the old one's, what
    /// refers to nothing there is left out.
    pub(super) fn rewritten(
        &mut self,
        record: &Range<usize>,
        named: Option<&[u8]>,
        owner: Option<u64>,
    ) -> Vec<Out<'a>> {
        let new = self.new;
        let pairs = new.record(record);
        let kind = kind(pairs);
        let mut out: Vec<Out<'a>> = Vec::with_capacity(pairs.len());
        let own_code = if kind == b"DIMSTYLE" { 105 } else { 5 };
        let (mut in_group, mut has_owner) = (false, false);
        for pair in pairs {
            match pair.code {
                102 => {
                    in_group = pair.trimmed().starts_with(b"{");
                }
                _ if in_group => {}
                code if code == own_code => {
                    let given = pair.handle().and_then(|theirs| self.resolved(theirs));
                    out.extend(given.map(|given| (code, hex(given))));
                }
                330 if !has_owner => {
                    has_owner = true;
                    out.extend(owner.map(|owner| (330, hex(owner))));
                }
                code if is_reference(code) || code == 1005 => {
                    let meant = pair.handle().and_then(|theirs| self.resolved(theirs));
                    out.extend(meant.map(|meant| (code, hex(meant))));
                }
                2 | 3
                    if named.is_some()
                        && matches!(kind, b"BLOCK" | b"ENDBLK" | b"BLOCK_RECORD") =>
                {
                    let name = named.unwrap_or_default().to_vec();
                    out.push((pair.code, Cow::Owned(name)));
                }
                2 if matches!(kind, b"INSERT" | b"DIMENSION") => {
                    let name = self.block_for(pair.trimmed(), kind == b"DIMENSION");
                    out.extend(name.map(|name| (2, Cow::Owned(name))));
                }
                7 if !self.knows_style(pair.trimmed()) => {}
                code if is_meaningless(kind, code, pair.trimmed()) => {}
                code => out.push((code, fitted(pair.value, self.from_unicode, self.to_unicode))),
            }
        }
        if !has_owner && let Some(owner) = owner {
            let at = out
                .iter()
                .position(|(code, _)| *code == own_code)
                .map_or(1, |at| at + 1);
            out.insert(at.min(out.len()), (330, hex(owner)));
        }
        out
    }

    /// Whether there is such a style of text, in the old drawing or among what is brought along.
    fn knows_style(&self, name: &[u8]) -> bool {
        let key = (b"STYLE".to_vec(), name.to_ascii_lowercase());
        self.old_names.contains_key(&key) || self.new_names.contains_key(&key)
    }
}

/// Pairs that say nothing or something impossible, as some editors write them: the thickness of a text, a
/// transparency without its mark.
fn is_meaningless(kind: &[u8], code: i16, value: &[u8]) -> bool {
    match code {
        39 => matches!(kind, b"TEXT" | b"MTEXT"),
        440 => std::str::from_utf8(value)
            .ok()
            .and_then(|text| text.parse::<i64>().ok())
            .is_some_and(|number| (1..1 << 24).contains(&number)),
        _ => false,
    }
}
