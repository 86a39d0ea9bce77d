package export

import (
	"bytes"
	"encoding/binary"
	"io"

	"golang.org/x/mod/sumdb/note"
)

// signedTail reads the manifest at the end of a ZIP, and checks its signature, so that
// nobody makes us unpack what was never signed. Where they are is taken from the
// directory, which may lie; all that follows is that the key signed this manifest, and
// whether the rest is what it says is seen by reading it.
func signedTail(zip io.ReaderAt, size int64, by note.Verifier) (*Manifest, error) {
	tail := make([]byte, min(size, 4<<10))
	if n, err := zip.ReadAt(tail, size-int64(len(tail))); n < len(tail) {
		return nil, cutOff("", err)
	}
	signed, front, err := storedAt(zip, tail, signaturePath, maxNote)
	if err != nil {
		return nil, err
	}
	text, _, err := storedAt(zip, front, manifestPath, maxManifest)
	if err != nil {
		return nil, err
	}
	if err := checkNote(signed, text, by); err != nil {
		return nil, err
	}
	return parseManifest(text)
}

// storedAt reads the stored entry that the last lines of the directory name, and
// returns what of it stands in front.
func storedAt(zip io.ReaderAt, directory []byte, path string, most uint64) (content, front []byte, err error) {
	const fixed = 46
	lost := broken(path, "it is not where it belongs")
	at := bytes.LastIndex(directory, []byte(path)) - fixed
	if at < 0 || binary.LittleEndian.Uint32(directory[at:]) != centralSignature {
		return nil, nil, lost
	}
	le, head := binary.LittleEndian, directory[at:]
	n, offset := uint64(le.Uint32(head[24:])), uint64(le.Uint32(head[42:]))
	if offset == all32 {
		extra := head[fixed+len(path):]
		if len(extra) < 28 {
			return nil, nil, lost
		}
		n, offset = le.Uint64(extra[4:]), le.Uint64(extra[20:])
	}
	if n > most || offset > 1<<62 {
		return nil, nil, lost
	}
	content, err = io.ReadAll(io.NewSectionReader(zip, int64(offset)+localSize+int64(len(path)), int64(n)))
	if err != nil {
		return nil, nil, cutOff(path, err)
	}
	return content, directory[:at], nil
}

// within returns the limits that a signed manifest leaves: nothing is unpacked beyond
// what it names.
func (l Limits) within(m *Manifest) (Limits, error) {
	l = l.orDefaults()
	if m.Records > l.Records {
		return l, ErrLimit
	}
	total := uint64(maxManifest + maxNote)
	for i := range m.Files {
		next := total + m.Files[i].Size
		if next < total || next > l.Bytes+maxManifest+maxNote {
			return l, ErrLimit
		}
		total = next
	}
	return Limits{Bytes: total, Records: max(m.Records, 1)}, nil
}
