// Auditverify tells a stranger what files from somebody's audit trail prove. It
// works offline and needs nothing but them and the verifier key of the log, taken
// from its owner once and by another way.
//
//	auditverify -key trail.pub [-checkpoint FILE] FILE...
//	auditverify -pseudonym HEX FILE...
//
// A file is recognised by how it begins: the proof of one entry, all entries of
// one tenant, the proof that a log only grew, a signed checkpoint, a consent
// receipt, a certificate of destruction or of what became of a request to erase, or the
// opening of a pseudonym, which needs -pseudonym and no key.
// -checkpoint is an older checkpoint of the log that is known to be good: what a proof that the log only
// grew begins with, and what everything else is compared with. Checkpoints in
// several files are compared with one another, so a log that shows two histories
// is found where both are given; give proofs that a log only grew first.
//
// It exits with status 0 if everything holds, 1 if anything does not, and 2 if
// nothing is known to be wrong and something cannot be judged: a missing file, an
// unknown form, a key that was not given, or the wrong call.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/trothdev/troth/audit"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// Statuses of the program.
const (
	holds      = 0
	holdsNot   = 1
	unreadable = 2
)

func run(args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("auditverify", flag.ContinueOnError)
	flags.SetOutput(errs)
	key := flags.String("key", "", "`file` with the verifier keys of the log, and of witnesses")
	trusted := flags.String("checkpoint", "", "`file` with an older checkpoint that is known to be good")
	pseudonym := flags.String("pseudonym", "", "the pseudonym, in `hex`, whose opening is checked")
	flags.Usage = func() {
		fmt.Fprintln(errs, "usage: auditverify -key FILE [-checkpoint FILE] [-pseudonym HEX] FILE...")
		flags.PrintDefaults()
	}
	if flags.Parse(args) != nil {
		return unreadable
	}
	if flags.NArg() == 0 || *key == "" && *pseudonym == "" {
		flags.Usage()
		return unreadable
	}
	v := &verifier{}
	for _, prepare := range []func() error{
		func() error { return v.readKeys(*key) },
		func() error { return v.readPseudonym(*pseudonym) },
		func() error { return v.readTrusted(*trusted) },
	} {
		if err := prepare(); err != nil {
			fmt.Fprintln(errs, "auditverify:", reason(err))
			return statusOf(err)
		}
	}
	return v.files(flags.Args(), out)
}

// files judges every file and returns the status for all.
func (v *verifier) files(paths []string, out io.Writer) int {
	found := map[int]bool{}
	for i, path := range paths {
		if i > 0 {
			fmt.Fprintln(out)
		}
		text, err := v.path(path)
		status := statusOf(err)
		found[status] = true
		fmt.Fprintf(out, "%s: %s\n", path, verdict(status, err))
		if err == nil {
			fmt.Fprint(out, text)
		}
	}
	switch {
	case found[holdsNot]:
		return holdsNot
	case found[unreadable]:
		return unreadable
	default:
		return holds
	}
}

func (v *verifier) path(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	return v.judge(f)
}

func verdict(status int, err error) string {
	switch status {
	case holds:
		return "holds"
	case holdsNot:
		return "DOES NOT HOLD: " + reason(err)
	default:
		return "cannot be judged: " + reason(err)
	}
}

// reason is the error without what the verdict says already, and without the name
// of the package, which is nothing to who asks.
func reason(err error) string {
	text := strings.NewReplacer("audit: ", "", "consent: ", "", "retention: ", "", "rights: ", "").Replace(err.Error())
	switch text {
	case "proof does not hold":
		return "it does not lead to what was signed"
	case "receipt does not hold":
		return "it is not the receipt that was recorded: something in it was changed"
	case "certificate does not hold", "certificate is not what was recorded":
		return "it is not the certificate that was recorded: something in it was changed"
	}
	return strings.TrimPrefix(text, "proof does not hold: ")
}

func (v *verifier) readKeys(path string) error {
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if v.keys, err = audit.ParseVerifiers(string(text)); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
