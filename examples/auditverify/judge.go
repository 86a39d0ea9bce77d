package main

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/trothdev/troth/audit"
	"github.com/trothdev/troth/consent"
	"github.com/trothdev/troth/retention"
	"github.com/trothdev/troth/rights"
)

// verifier is one call of the program.
type verifier struct {
	keys      audit.Verifiers
	trusted   *audit.Checkpoint
	pseudonym *audit.Pseudonym
	// seen are the checkpoints that were verified, the trusted one first. Those
	// that were shown to contain the trusted one are in linked.
	seen, linked []audit.Checkpoint
}

// Errors of what is around a proof.
var (
	errForm = errors.New("it is none of the forms that this program knows")
	errKey  = errors.New("it needs the verifier key, -key")
	errOld  = errors.New("it begins at an earlier checkpoint, which -checkpoint must give")
	errName = errors.New("it needs the pseudonym that it opens, -pseudonym")
	// errFork says that two checkpoints that are both signed cannot be of one
	// history.
	errFork = errors.New("the log shows two histories: both checkpoints are signed, and they contradict each other")
)

// statusOf judges an error: what was read and is wrong is one thing, what could
// not be judged is another.
func statusOf(err error) int {
	switch {
	case err == nil:
		return holds
	case errors.Is(err, audit.ErrNotProof), errors.Is(err, audit.ErrUnknownKey):
		return unreadable
	case errors.Is(err, audit.ErrProof), errors.Is(err, consent.ErrReceiptProof),
		errors.Is(err, retention.ErrCertificateProof), errors.Is(err, rights.ErrCertificateProof), errors.Is(err, errFork), errors.Is(err, errOther):
		return holdsNot
	default:
		return unreadable
	}
}

// bufferSize holds the longest first line, that of an opening.
const bufferSize = 4096

// judge recognises what is read by how it begins, and says in words what it
// proves.
func (v *verifier) judge(file io.Reader) (string, error) {
	r := bufio.NewReaderSize(file, bufferSize)
	begin, err := r.Peek(bufferSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	first, rest, _ := strings.Cut(string(begin), "\n")
	second, _, _ := strings.Cut(rest, "\n")
	if strings.HasPrefix(first, "troth.audit.opening/") {
		return v.opening(r)
	}
	kind := v.kind(first, second)
	if kind == nil {
		return "", errForm
	}
	if v.keys.String() == "" {
		return "", errKey
	}
	return kind(r)
}

func (v *verifier) kind(first, second string) func(*bufio.Reader) (string, error) {
	switch {
	case strings.HasPrefix(first, "c2sp.org/tlog-proof@"):
		return v.entry
	case strings.HasPrefix(first, "troth.audit.tenant/"):
		return v.tenant
	case strings.HasPrefix(first, "old "):
		return v.growth
	case strings.HasPrefix(first, "{") && strings.Contains(first+second, `"`+retention.CertificateFormat+`"`):
		return v.certificate
	case strings.HasPrefix(first, "{") && strings.Contains(first+second, `"`+rights.CertificateFormat+`"`):
		return v.erasure
	case strings.HasPrefix(first, "{"):
		return v.receipt
	case first != "" && second != "" && strings.Trim(second, "0123456789") == "":
		return v.checkpoint // a name, and a size
	default:
		return nil
	}
}

// maxFile bounds files that are read as a whole; no form is longer.
const maxFile = 1 << 20

func readAll(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = errForm
	}
	return b, err
}

// readTrusted verifies the checkpoint that everything is compared with.
func (v *verifier) readTrusted(path string) error {
	if path == "" {
		return nil
	}
	note, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	cp, _, err := audit.OpenCheckpoint(note, v.keys)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", path, "the checkpoint that is to be trusted", err)
	}
	v.trusted = &cp
	v.seen, v.linked = append(v.seen, cp), append(v.linked, cp)
	return nil
}

// meet compares a checkpoint that was verified with all that were before.
func (v *verifier) meet(cp audit.Checkpoint) error {
	for _, other := range v.seen {
		if other.Origin != cp.Origin {
			continue
		}
		if other.SaltCommitment != cp.SaltCommitment || other.Size == cp.Size && !sameLog(other, cp) {
			return errFork
		}
	}
	v.seen = append(v.seen, cp)
	return nil
}

// sameLog reports whether two checkpoints say the same, but for when.
func sameLog(a, b audit.Checkpoint) bool {
	return a.Origin == b.Origin && a.Size == b.Size && a.Root == b.Root && a.TenantRoot == b.TenantRoot
}

// isLinked reports whether it was shown that the log of the checkpoint contains
// the trusted one, or is contained in it.
func (v *verifier) isLinked(cp audit.Checkpoint) bool {
	return slices.ContainsFunc(v.linked, func(l audit.Checkpoint) bool { return sameLog(l, cp) })
}

func (v *verifier) readPseudonym(digits string) error {
	if digits == "" {
		return nil
	}
	raw, err := hex.DecodeString(digits)
	if err != nil || len(raw) != len(audit.Pseudonym{}) || hex.EncodeToString(raw) != digits {
		return errors.New("-pseudonym: a pseudonym is 32 hexadecimal digits, in lower case")
	}
	ps := audit.Pseudonym(raw)
	v.pseudonym = &ps
	return nil
}
