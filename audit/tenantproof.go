package audit

import (
	"errors"
	"io"

	"github.com/trothdev/troth"
)

// TenantProof is what an export of a tenant's entries proves, see
// [VerifyTenant].
type TenantProof struct {
	Tenant     troth.Tenant
	Checkpoint Checkpoint
	// Signatures are those that count for the checkpoint.
	Signatures []Signature
	// Number is how many entries the tenant had in the log at the checkpoint:
	// those that the export holds are all of them, but for the ones that Pruned
	// and Redacted count. Hash is that of the last: every later export has an
	// entry of this number and hash, unless it was pruned.
	Number uint64
	Hash   [32]byte
	// Pruned is the number up to which entries were destroyed, as the export says:
	// nothing in it shows that they were, and were not left out. It can say so only of
	// whole tiles, so of no log of fewer than 256 entries. Why stands in the platform's
	// entries.
	Pruned uint64
	// Redacted is how many more were redacted. An entry in the export gives the
	// reason, but for those that Elsewhere counts: they were redacted after the
	// log was closed, as the export says, and the reason is among the tenant's entries
	// in a later log.
	Redacted, Elsewhere int
}

// ProvenEntry is one entry of an export.
type ProvenEntry struct {
	Leaf
	Entry Envelope
	// Redacted entries have nothing but Number, and the hash of what was there.
	Redacted bool
	Hash     [32]byte
	// Elsewhere says that the reason of a redaction is in a later log.
	Elsewhere bool
}

// VerifyTenant reads an export that [Trail.Export] wrote and checks that it holds
// all entries of one tenant up to a signed checkpoint: none missing, cut off,
// doubled or of somebody else, and not a byte changed, but for those that it says are
// gone, see [TenantProof]. It calls visit, unless
// that is nil, for each in order, before all is checked: what visit saw is
// proven only when VerifyTenant returns no error. It ends with the error of visit
// if that returns one.
//
// It reads once, and holds one entry in memory at a time, and the hashes of the
// redacted ones. What the checkpoint says of the tenant comes first, so that
// what follows cannot go on without end.
//
// It returns [ErrNotProof] for what cannot be read, [ErrProof] for what does not
// hold, and the errors of [OpenCheckpoint].
//
// What it proves is of one checkpoint. A signer who signs two histories can give
// each its own export; that shows when the checkpoints are compared, with
// [VerifyConsistency] or by witnesses.
func VerifyTenant(r io.Reader, v Verifiers, visit func(ProvenEntry) error) (TenantProof, error) {
	if visit == nil {
		visit = func(ProvenEntry) error { return nil }
	}
	t := &tenantReader{lines: newLineReader(r), visit: visit, reasons: make(map[[32]byte]redactedAt)}
	if err := t.readHead(v); err != nil {
		return TenantProof{}, err
	}
	if err := t.readEntries(); err != nil {
		return TenantProof{}, err
	}
	return t.proof, nil
}

// Lines of an export, by their first word.
const (
	// tenantHeader is the first line.
	tenantHeader = "troth.audit.tenant/1"

	tenantLine   = "tenant"
	saltLine     = "salt"
	headLine     = "head"
	mapLine      = "map"
	prunedLine   = "pruned"
	leafLine     = "leaf"
	redactedLine = "redacted"
	atLine       = "at"

	// unknownHash stands where the hash of the last pruned entry is not known,
	// because the one behind it, which had it, was redacted.
	unknownHash = "-"
	// elsewhere stands behind a redacted entry whose reason is in a later log.
	elsewhere = "elsewhere"
)

// maxDepth is how many siblings a path of the tenant map has at most.
const maxDepth = 256

// errEnd is the clean end of an export.
var errEnd = errors.New("audit: end of export")
