package export

import (
	"context"
	"errors"
	"io"
	"iter"

	"github.com/trothdev/troth"
)

// Archive is an archive that was opened and verified, for a host to import: a person
// who comes back brings the copy that was made before everything was erased.
//
// The records are those of the subject in the manifest, who may have been erased, and
// is never keyed again: import them under a new subject's id, after asking the ledger
// of erasures whether they may come back. What was redacted is not in an archive, and
// is not to be written over what the host has.
type Archive struct {
	// Manifest was signed, and is what is there.
	Manifest *Manifest

	zip    io.ReaderAt
	size   int64
	at     map[string]entry
	hashes map[string]Hash
}

// OpenConfig is what [Open] needs.
type OpenConfig struct {
	// Unlock opens the encryption, Key is the verifier key of who signed, see [VerifierKey];
	// of a Kit that is a line of Kit.Verifiers.
	Unlock Unlock
	Key    string
	// Tenant is whose archives are welcome: one of another tenant is [ErrTenant].
	Tenant troth.Tenant
	Limits Limits
}

// SourceRecord is a record and the source that it came from.
type SourceRecord struct {
	Source string
	Record Record
}

// Open decrypts and verifies an archive of size bytes, to its last byte, before
// anything of it is handed out. The signature comes first: nothing is unpacked that it
// does not name, and no more than it says. Nothing is written anywhere; src must stay readable as
// long as the Archive is used. Errors are those of [Verify] and [Unlock.Decrypt].
func Open(src io.ReaderAt, size int64, c OpenConfig) (*Archive, error) {
	by, err := newVerifier(c.Key)
	if err != nil {
		return nil, err
	}
	if err := c.Tenant.Validate(); err != nil {
		return nil, err
	}
	zip, n, err := c.Unlock.decryptAt(src, size)
	if err != nil {
		return nil, err
	}
	m, err := signedTail(zip, n, by)
	if err != nil {
		return nil, err
	}
	if m.Tenant != c.Tenant {
		return nil, ErrTenant
	}
	limits, err := c.Limits.within(m)
	if err != nil {
		return nil, err
	}
	m, w, err := verify(io.NewSectionReader(zip, 0, n), by, limits)
	if err != nil {
		return nil, err
	}
	if m.Tenant != c.Tenant { // two manifests would be two archives
		return nil, ErrTenant
	}
	a := &Archive{Manifest: m, zip: zip, size: n, at: w.at, hashes: map[string]Hash{}}
	for _, f := range m.Files {
		a.hashes[f.Path] = f.SHA256
	}
	return a, nil
}

// Records yields all records in the order of the manifest, with the types that their
// values were written with. Attachments can be opened while the archive can be read.
func (a *Archive) Records(ctx context.Context) iter.Seq2[SourceRecord, error] {
	return func(yield func(SourceRecord, error) bool) {
		for i := range a.Manifest.Sources {
			s := &a.Manifest.Sources[i]
			for j := range s.Types {
				err := a.each(ctx, s.Types[j].Lines, func(r *Record) bool {
					r.Type = s.Types[j].Name
					return yield(SourceRecord{s.Name, *r}, nil)
				})
				if errors.Is(err, errStop) {
					return
				}
				if err != nil {
					yield(SourceRecord{}, err)
					return
				}
			}
		}
	}
}

// errStop says that who reads has enough.
var errStop = errors.New("export: stop")

// each reads the records of one type. What is read now is held to the hash again: it
// was verified before, and may have changed since.
func (a *Archive) each(ctx context.Context, path string, do func(*Record) bool) error {
	c := a.content(path)
	err := eachRecord(c, func(r *Record) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		for i := range r.Fields {
			if f := r.Fields[i].Value.file; f != nil {
				f.Open = a.opener(f.Path)
			}
		}
		if !do(r) {
			return errStop
		}
		return nil
	})
	if err == nil && c.sha256() != a.hashes[path] {
		return broken(path, "it changed since it was verified")
	}
	return err
}

func (a *Archive) content(path string) *content {
	e := a.at[path]
	from := int64(e.offset) + e.headerSize()
	u := newUnpacker(io.NewSectionReader(a.zip, from, a.size-from), e.size)
	return u.content(e)
}

func (a *Archive) opener(path string) func(context.Context) (io.ReadCloser, error) {
	return func(context.Context) (io.ReadCloser, error) {
		return &attached{a.content(path), a.hashes[path]}, nil
	}
}

// attached is an attachment that is being read.
type attached struct {
	c    *content
	want Hash
}

func (r *attached) Read(b []byte) (int, error) {
	n, err := r.c.Read(b)
	if errors.Is(err, io.EOF) && r.c.sha256() != r.want {
		return n, broken(r.c.path, "it changed since it was verified")
	}
	return n, err
}

// Close does nothing: the archive stays open.
func (r *attached) Close() error { return nil }
