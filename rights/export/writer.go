package export

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strconv"
	"time"

	"filippo.io/age"
)

// Writer writes one archive. It is for one goroutine at a time. What it wrote is an
// archive only after [Writer.Close] returned without an error: nothing that was cut
// off before can be opened to its end, or verified.
type Writer struct {
	c       Config
	texts   *texts
	out     *counter
	sealed  io.WriteCloser
	pack    *packer
	press   *press
	man     Manifest
	names   map[string]bool // of sources
	paths   map[string]bool // folders of sources, and files in them without their ending
	open    *Section
	files   int // attachments
	preview int // bytes of previews that may still be kept
	pages   []pageType
	err     error // that ended the writer
	closed  bool
}

// Receipt is what the host keeps of an archive that was written.
type Receipt struct {
	// ID is the archive's, as in its manifest.
	ID string
	// SHA256 and Size are of the encrypted archive.
	SHA256 Hash
	Size   uint64
	// Manifest is the hash of the manifest, and Note its signature.
	Manifest Hash
	Note     []byte
	// Records, Redactions and Missing are as in the manifest.
	Records, Redactions uint64
	Missing             []SourceReport
}

// NewWriter begins an archive. It writes to w at once; closing w, and throwing away
// what was written if something failed, is the caller's.
func NewWriter(w io.Writer, c Config) (*Writer, error) {
	if w == nil {
		return nil, needs("a writer")
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	press, err := newPress(c.TempDir)
	if err != nil {
		return nil, err
	}
	created := c.Created.UTC().Truncate(time.Microsecond)
	out := &counter{w: w, sum: sha256.New()}
	sealed, err := age.Encrypt(out, c.Lock.to...)
	if err != nil {
		return nil, fmt.Errorf("export: encrypt: %w", err)
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, crypto/rand documents
	t := textsFor(c.Language)
	x := &Writer{
		c: c, texts: t, out: out, sealed: sealed, press: press, pack: newPacker(sealed, created),
		names: map[string]bool{}, paths: map[string]bool{}, preview: maxPreview,
		man: Manifest{
			Schema: SchemaURL, Format: Format, ID: hex.EncodeToString(id[:]), Created: Instant{created},
			Controller: c.Controller, Tenant: c.Subject.Tenant, SubjectID: c.Subject.ID, Request: c.Request,
			Language: t.Tag, Information: SheetNone, Sources: []SourceReport{}, Files: []FileReport{},
		},
	}
	if c.Sheet != nil {
		x.man.Information, x.man.InformationLacks = SheetComplete, c.Sheet.Gaps()
		if len(x.man.InformationLacks) > 0 {
			x.man.Information = SheetIncomplete
		}
	}
	return x, nil
}

// counter counts and hashes what goes out.
type counter struct {
	w   io.Writer
	n   uint64
	sum hash.Hash
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += uint64(n)
	c.sum.Write(b[:n])
	return n, err
}

// usable reports why the writer cannot go on.
func (x *Writer) usable() error {
	switch {
	case x.err != nil:
		return x.err
	case x.closed || x.open != nil:
		return ErrClosed
	}
	return nil
}

// fail ends the writer: what is in the archive is no longer what the manifest would
// say.
func (x *Writer) fail(err error) error {
	if x.err == nil {
		x.err = err
		x.Abort()
	}
	return err
}

// Abort gives up. What was written so far is no archive, and never will be. It may be
// called at any time, also after Close, when it does nothing.
func (x *Writer) Abort() {
	if !x.closed {
		x.closed = true
		x.press.spool.close()
	}
	if x.err == nil {
		x.err = ErrClosed
	}
}

// claim takes the name of a source.
func (x *Writer) claim(name string) error {
	if x.names[name] {
		return needs("names of sources that differ")
	}
	if len(x.names) >= MaxTypes {
		return ErrLimit
	}
	x.names[name] = true
	return nil
}

// path makes a path that is not taken. A name may be chosen to look like what another
// one was made into.
func (x *Writer) path(folder, name string) string {
	p := folder + slug(name)
	for n := 2; x.paths[p]; n++ {
		p = folder + slug(name) + "-" + strconv.Itoa(n)
	}
	x.paths[p] = true
	return p
}

// Missing records that nothing of a source is in the archive, and why.
func (x *Writer) Missing(s Source, why Reason) error {
	if err := x.usable(); err != nil {
		return err
	}
	if err := s.validate(); err != nil {
		return err
	}
	if !why.known() {
		return needs("a reason of the list")
	}
	if err := x.claim(s.Name); err != nil {
		return err
	}
	x.man.Sources = append(x.man.Sources, SourceReport{
		Name: s.Name, Title: s.Title, Status: Absent, Reason: why, Types: []TypeReport{},
	})
	return nil
}

// put writes a member as a file of the archive.
func (x *Writer) put(m *member, kind FileKind) (Hash, error) {
	if len(x.man.Files) >= MaxFiles {
		return Hash{}, x.fail(ErrLimit)
	}
	sum, err := x.press.emit(m, x.pack)
	if err != nil {
		return sum, x.fail(fmt.Errorf("export: write: %w", err))
	}
	x.man.Files = append(x.man.Files, FileReport{Path: m.path, Kind: kind, Size: m.size, SHA256: sum, Records: m.records})
	return sum, nil
}

// Close writes the pages, the manifest and its signature, and ends the archive. After
// an error there is no archive.
func (x *Writer) Close() (Receipt, error) {
	if err := x.usable(); err != nil {
		return Receipt{}, err
	}
	if err := x.writePages(); err != nil {
		return Receipt{}, err
	}
	x.man.Packed = Packed{Bytes: x.pack.n}
	x.pack.sum.Sum(x.man.Packed.SHA256[:0])
	text, err := x.man.encode()
	if err != nil {
		return Receipt{}, x.fail(err)
	}
	if len(text) > maxManifest {
		return Receipt{}, x.fail(ErrLimit)
	}
	signed, err := sign(text, x.c.Signer)
	if err != nil {
		return Receipt{}, x.fail(err)
	}
	if err := x.seal(text, signed); err != nil {
		return Receipt{}, x.fail(fmt.Errorf("export: write: %w", err))
	}
	r := Receipt{
		ID: x.man.ID, Size: x.out.n, Manifest: sha256.Sum256(text), Note: signed,
		Records: x.man.Records, Redactions: x.man.Redactions(), Missing: x.man.Missing(),
	}
	x.out.sum.Sum(r.SHA256[:0])
	x.Abort()
	return r, nil
}

// seal writes what ends an archive.
func (x *Writer) seal(text, signed []byte) error {
	for _, f := range []struct {
		path string
		text []byte
	}{{manifestPath, text}, {signaturePath, signed}} {
		n := uint64(len(f.text))
		if err := x.pack.begin(entry{path: f.path, method: methodStored, crc: crc32.ChecksumIEEE(f.text), size: n, packed: n}); err != nil {
			return err
		}
		if _, err := x.pack.Write(f.text); err != nil {
			return err
		}
	}
	if err := x.pack.finish(); err != nil {
		return err
	}
	return x.sealed.Close()
}
