package export

import (
	"io"
	"maps"
	"slices"

	"golang.org/x/mod/sumdb/note"
)

// Limits bound what is read of an archive. It says itself how large it is, and may lie.
// A zero field is the default.
type Limits struct {
	// Bytes is the most that may come out of it, unpacked: 64 GiB if zero.
	Bytes uint64
	// Records is the most records: 100,000,000 if zero.
	Records uint64
}

func (l Limits) orDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 64 << 30
	}
	if l.Records == 0 {
		l.Records = 100_000_000
	}
	return l
}

// Verify reads the ZIP of an archive, decrypted with [Unlock.Decrypt] or the program
// age, and returns its manifest if key, a verifier key of signed notes, signed it and
// all of it is as it was written:
//
//   - every file is there, in its order, with its size and SHA-256, and no other;
//   - every count of records, of redactions and of files is right;
//   - each table says what the lines beside it say;
//   - every other byte of the ZIP is the one that would be written.
//
// Anything else is [ErrArchive], with an [*ArchiveError] that says where. It needs
// memory for names, not for contents. It also returns [ErrKey], [ErrLimit] and errors
// of zip.
func Verify(zip io.Reader, key string) (*Manifest, error) {
	v, err := newVerifier(key)
	if err != nil {
		return nil, err
	}
	m, _, err := verify(zip, v, Limits{})
	return m, err
}

func verify(zip io.Reader, by note.Verifier, l Limits) (*Manifest, *walk, error) {
	w := newWalk(zip, l)
	if err := w.run(); err != nil {
		return nil, nil, err
	}
	if err := checkNote(w.note, w.text, by); err != nil {
		return nil, nil, err
	}
	m, err := parseManifest(w.text)
	if err != nil {
		return nil, nil, err
	}
	if err := w.agrees(m); err != nil {
		return nil, nil, err
	}
	return m, w, nil
}

// agrees compares what was read with what the manifest says.
func (w *walk) agrees(m *Manifest) error {
	switch {
	case m.Packed != w.u.packed:
		return broken("", "it is not packed as it was signed")
	case dosTimeOf(m.Created.Time) != w.u.when:
		return broken("", "its dates are not that of the manifest")
	case !slices.Equal(m.Files, w.files):
		return broken(manifestPath, "its list of files is not what is there")
	case len(w.refs) != len(w.sums):
		return broken("", "it has attachments that no record names")
	case len(w.headers) != 0:
		return broken("", "it has a table without its lines")
	}
	if _, has := w.at[indexPath]; !has {
		return broken(indexPath, "it is missing")
	}
	_, page := w.at[sheetPath]
	_, data := w.at[sheetDataPath]
	if page != data || page != (m.Information != SheetNone) ||
		(m.Information == SheetIncomplete) != (len(m.InformationLacks) > 0) {
		return broken(sheetPath, "whether it is there is not what the manifest says")
	}
	return w.agreesOnSources(m)
}

func (w *walk) agreesOnSources(m *Manifest) error {
	left := maps.Clone(w.tallies)
	names := map[string]bool{}
	var records uint64
	for i := range m.Sources {
		s := &m.Sources[i]
		if names[s.Name] || !s.coherent() {
			return broken(manifestPath, "it contradicts itself about a source")
		}
		names[s.Name] = true
		var n uint64
		for j := range s.Types {
			t := &s.Types[j]
			if !t.agrees(left[t.Lines]) {
				return broken(t.Lines, "it is not what the manifest says about a type")
			}
			delete(left, t.Lines)
			n += t.Records
		}
		if n != s.Records {
			return broken(manifestPath, "its count of a source's records is wrong")
		}
		records += n
	}
	if len(left) > 0 || records != m.Records {
		return broken(manifestPath, "its count of records is wrong")
	}
	return nil
}

// coherent reports whether the status is what the rest says.
func (s *SourceReport) coherent() bool {
	switch s.Status {
	case Complete:
		return s.Records > 0 && s.Reason == ""
	case Empty:
		return s.Records == 0 && s.Reason == ""
	case Partial:
		return s.Records > 0 && s.Reason.known()
	case Absent:
		return s.Records == 0 && s.Reason.known()
	}
	return false
}

func (t *TypeReport) agrees(c *tally) bool {
	return c != nil && t.Table == c.table && t.Records == c.records && t.Records > 0 &&
		slices.EqualFunc(t.Columns, c.names, func(a ColumnReport, name string) bool { return a.Name == name }) &&
		slices.Equal(t.Redactions, sortedRedactions(c.redacted))
}
