// Dkimcheck tells whether a finished message is one whose recipients can leave its
// list with one click: whether List-Unsubscribe and List-Unsubscribe-Post stand in
// it as RFC 8058 wants, and one valid DKIM signature covers all there is of both.
//
//	dkimcheck [-record FILE] < message.eml
//
// The message is one as it arrived, or as the mail server wrote it last. Keys of
// signers come from the DNS; -record takes the TXT record from a file instead, for
// all signatures, where a test has no DNS.
//
// It exits with status 0 if providers can offer one click, 1 if not, and 2 if the
// message cannot be read or a key not be fetched.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"strings"

	"github.com/emersion/go-msgauth/dkim"

	"github.com/trothdev/troth/unsubscribe"
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// Statuses of the program.
const (
	offered    = 0
	notOffered = 1
	unreadable = 2
)

// maxMessage is the longest message that is read.
const maxMessage = 64 << 20

func run(args []string, in io.Reader, out, errs io.Writer) int {
	flags := flag.NewFlagSet("dkimcheck", flag.ContinueOnError)
	flags.SetOutput(errs)
	record := flags.String("record", "", "`file` with the TXT record of the signer's key")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		fmt.Fprintln(errs, "usage: dkimcheck [-record FILE] < message.eml")
		return unreadable
	}
	lookup := net.LookupTXT
	if *record != "" {
		text, err := os.ReadFile(*record)
		if err != nil {
			fmt.Fprintln(errs, err)
			return unreadable
		}
		lookup = func(string) ([]string, error) { return []string{strings.TrimSpace(string(text))}, nil }
	}
	message, err := io.ReadAll(io.LimitReader(in, maxMessage))
	if err != nil {
		fmt.Fprintln(errs, err)
		return unreadable
	}
	return judge(message, lookup, out)
}

// judge needs a signature that covers the fields by what it says and is valid: the
// first is the library's to tell, the second that of the DKIM one.
func judge(message []byte, lookup func(string) ([]string, error), out io.Writer) int {
	covers, coverage := unsubscribe.CheckSigned(bytes.NewReader(message))
	proofs, err := dkim.VerifyWithOptions(bytes.NewReader(message), &dkim.VerifyOptions{LookupTXT: lookup, MaxVerifications: len(covers) + 1})
	if err != nil || len(proofs) != len(covers) {
		fmt.Fprintln(out, "cannot be judged: the message's signatures cannot be read")
		return unreadable
	}
	status := notOffered
	for i, s := range covers {
		verdict := "does not cover both fields"
		switch proof := proofs[i].Err; {
		case dkim.IsTempFail(proof):
			verdict = "cannot be judged: its key cannot be fetched"
			if s.Covers && status != offered {
				status = unreadable
			}
		case proof != nil:
			verdict = "is not valid: " + proof.Error()
		case s.Covers:
			verdict, status = "is valid and covers both fields", offered
			if s.OverSigned {
				verdict += ", and nobody can add another"
			}
		}
		fmt.Fprintf(out, "signature %d, %q, selector %q: %s\n", i+1, s.Domain, s.Selector, verdict)
	}
	if coverage != nil && !errors.Is(coverage, unsubscribe.ErrUnsigned) {
		fmt.Fprintln(out, coverage)
		status = notOffered
	}
	fmt.Fprintln(out, map[int]string{
		offered: "one click can be offered", notOffered: "one click will not be offered", unreadable: "ask again later",
	}[status])
	return status
}
