package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/trothdev/troth"
	"github.com/trothdev/troth/internal/merkle"
)

// tenantHeader is the first line of a tenant's export.
const tenantHeader = "troth.audit.tenant/1"

// TenantProof is what an export of a tenant's entries proves, see
// [VerifyTenant].
type TenantProof struct {
	Tenant     troth.Tenant
	Checkpoint Checkpoint
	// Number is how many entries the tenant had in the log at the checkpoint:
	// those that the export holds are all of them, but for the ones that Pruned
	// and Redacted count.
	Number uint64
	// Pruned is the number up to which entries were destroyed, Redacted how many
	// more were redacted, each for a reason that an entry in the export gives.
	Pruned   uint64
	Redacted int
}

// ProvenEntry is one entry of an export.
type ProvenEntry struct {
	Leaf
	Entry Envelope
	// Redacted entries have nothing but Number, and the hash of what was there.
	Redacted bool
	Hash     [32]byte
}

// VerifyTenant reads an export that [Trail.Export] wrote and checks that it holds
// all entries of one tenant up to a signed checkpoint: none missing, cut off,
// doubled or of somebody else. It calls visit for each in order, before all is
// checked: what visit saw is proven only when VerifyTenant returns no error. It
// holds one entry in memory at a time, and the hashes of the redacted ones.
//
// It returns [ErrNotProof] for what cannot be read, [ErrProof] for what does not
// hold, and the errors of [OpenCheckpoint].
func VerifyTenant(r io.Reader, v Verifiers, visit func(ProvenEntry) error) (TenantProof, error) {
	t := &tenantReader{lines: bufio.NewReaderSize(r, 4096), visit: visit, redacted: make(map[[32]byte]uint64)}
	if err := t.readEntries(); err != nil {
		return TenantProof{}, err
	}
	return t.readProof(v)
}

// tenantReader reads an export line by line.
type tenantReader struct {
	lines  *bufio.Reader
	visit  func(ProvenEntry) error
	tenant troth.Tenant
	// number, hash and index are of the entry that was read last.
	number uint64
	hash   [32]byte
	index  uint64
	leaves bool // the last entry that was read is a leaf
	pruned uint64
	count  int
	// unknown says that hash is not known.
	unknown bool
	// redacted are the numbers of redacted entries whose reason was not found
	// yet, by their hashes.
	redacted map[[32]byte]uint64
}

// maxLine is the longest line of an export.
const maxLine = MaxLeaf*4/3 + 64

// line reads one line without its end.
func (t *tenantReader) line() (string, error) {
	var line []byte
	for {
		part, err := t.lines.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return "", ErrNotProof
		}
		if err == nil {
			return string(line[:len(line)-1]), nil
		}
		if errors.Is(err, io.EOF) {
			return "", ErrNotProof
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", fmt.Errorf("audit: read export: %w", err)
		}
	}
}

// field reads a line of a word and what follows it.
func (t *tenantReader) field(name string) (string, error) {
	line, err := t.line()
	if err != nil {
		return "", err
	}
	value, ok := strings.CutPrefix(line, name+" ")
	if !ok {
		return "", ErrNotProof
	}
	return value, nil
}

func (t *tenantReader) readEntries() error {
	if line, err := t.line(); err != nil || line != tenantHeader {
		return errors.Join(ErrNotProof, err)
	}
	name, err := t.field("tenant")
	if err != nil {
		return err
	}
	raw, err := decodeBase64(name)
	if err != nil {
		return err
	}
	t.tenant = troth.Tenant(raw)
	if t.tenant.Validate() != nil {
		return ErrNotProof
	}
	for first := true; ; first = false {
		line, err := t.line()
		if err != nil {
			return err
		}
		if line == "" {
			return nil
		}
		kind, value, _ := strings.Cut(line, " ")
		switch {
		case kind == "pruned" && first:
			err = t.readPruned(value)
		case kind == "leaf":
			err = t.readLeaf(value)
		case kind == "redacted":
			err = t.readRedacted(value)
		default:
			err = ErrNotProof
		}
		if err != nil {
			return err
		}
	}
}

func (t *tenantReader) readPruned(value string) error {
	number, hash, _ := strings.Cut(value, " ")
	n, err := parseDecimal(number)
	if err != nil || n == 0 {
		return ErrNotProof
	}
	t.number, t.pruned = n, n
	if hash == unknownHash {
		t.unknown = true
		return nil
	}
	t.hash, err = decodeHash(hash)
	return err
}

// unknownHash stands where the hash of the last pruned entry is not known,
// because the one behind it, which had it, was redacted.
const unknownHash = "-"

func (t *tenantReader) readRedacted(value string) error {
	hash, err := decodeHash(value)
	if err != nil {
		return err
	}
	t.number++
	if _, twice := t.redacted[hash]; twice {
		return ErrProof
	}
	t.hash, t.leaves, t.unknown = hash, false, false
	t.redacted[hash] = t.number
	t.count++
	return t.visit(ProvenEntry{Leaf: Leaf{Number: t.number}, Redacted: true, Hash: hash})
}

func (t *tenantReader) readLeaf(value string) error {
	raw, err := decodeBase64(value)
	if err != nil {
		return err
	}
	leaf, env, err := ParseLeaf(raw)
	if err != nil {
		return ErrNotProof
	}
	if env.Tenant != t.tenant || leaf.Number != t.number+1 || leaf.Prev != t.hash || t.unknown ||
		t.leaves && leaf.Index <= t.index {
		return ErrProof
	}
	t.number, t.index, t.leaves, t.hash = leaf.Number, leaf.Index, true, HashLeaf(raw)
	t.explain(env)
	return t.visit(ProvenEntry{Leaf: leaf, Entry: env, Hash: t.hash})
}

// explain notes which redacted entry the envelope gives the reason for.
func (t *tenantReader) explain(env Envelope) {
	if env.Act != actRedact.Name {
		return
	}
	var hash [32]byte
	var number uint64
	for _, f := range env.Facts {
		switch f.Name {
		case "hash":
			copy(hash[:], f.Text())
		case "number":
			number = uint64(f.Number())
		}
	}
	if n, ok := t.redacted[hash]; ok && n == number {
		delete(t.redacted, hash)
	}
}

// readProof reads what stands behind the entries, and holds them to it.
func (t *tenantReader) readProof(v Verifiers) (TenantProof, error) {
	p := TenantProof{Tenant: t.tenant, Number: t.number, Pruned: t.pruned, Redacted: t.count}
	value, err := t.field("salt")
	if err != nil {
		return p, err
	}
	salt, err := decodeHash(value)
	if err != nil {
		return p, err
	}
	path, err := t.path()
	if err != nil {
		return p, err
	}
	index, inclusion, err := t.inclusion()
	if err != nil {
		return p, err
	}
	note, err := io.ReadAll(io.LimitReader(t.lines, maxNote+1))
	if err != nil {
		return p, fmt.Errorf("audit: read export: %w", err)
	}
	if p.Checkpoint, _, err = OpenCheckpoint(note, v); err != nil {
		return p, err
	}
	if err := t.checkMap(p.Checkpoint, salt, path); err != nil {
		return p, err
	}
	return p, t.checkIndex(p.Checkpoint, index, inclusion)
}

// checkMap holds the end of the entries to what the checkpoint says of the
// tenant.
func (t *tenantReader) checkMap(cp Checkpoint, salt [32]byte, path [][32]byte) error {
	at := TenantHead{Number: t.number, Hash: t.hash}
	if t.number == 0 || t.unknown || len(t.redacted) > 0 || saltCommitment(salt) != cp.SaltCommitment {
		return ErrProof
	}
	key := tenantKey(salt, t.tenant)
	proof := merkle.Path{Leaf: &merkle.Entry{Key: key, Value: at.digest()}, Siblings: path}
	if _, present, err := merkle.VerifyPath(cp.TenantRoot, key, proof); err != nil || !present {
		return ErrProof
	}
	return nil
}

// checkIndex holds the last entry to its place in the tree. Where that was pruned
// there are no hashes left to show it; the checkpoint names its hash all the
// same.
func (t *tenantReader) checkIndex(cp Checkpoint, index string, inclusion [][32]byte) error {
	if index == unknownIndex {
		if t.number != t.pruned || len(inclusion) > 0 {
			return ErrProof
		}
		return nil
	}
	n, err := parseDecimal(index)
	if err != nil {
		return err
	}
	if t.leaves && t.index != n || merkle.VerifyInclusion(n, cp.Size, t.hash, cp.Root, inclusion) != nil {
		return ErrProof
	}
	return nil
}

// unknownIndex stands where the last entry was pruned.
const unknownIndex = "-"

// path reads how many hashes follow, and those.
func (t *tenantReader) path() (path [][32]byte, err error) {
	value, err := t.field("map")
	if err != nil {
		return nil, err
	}
	n, err := parseDecimal(value)
	if err != nil || n > 256 {
		return nil, ErrNotProof
	}
	for range n {
		line, err := t.line()
		if err != nil {
			return nil, err
		}
		hash, err := decodeHash(line)
		if err != nil {
			return nil, err
		}
		path = append(path, hash)
	}
	return path, nil
}

// inclusion reads the index of the last entry and hashes up to an empty line.
func (t *tenantReader) inclusion() (index string, hashes [][32]byte, err error) {
	if index, err = t.field("index"); err != nil {
		return "", nil, err
	}
	for {
		line, err := t.line()
		if err != nil || line == "" {
			return index, hashes, err
		}
		hash, err := decodeHash(line)
		if err != nil || len(hashes) == 64 {
			return "", nil, ErrNotProof
		}
		hashes = append(hashes, hash)
	}
}
