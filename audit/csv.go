package audit

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"unicode/utf8"
)

// csvColumns are the names of the columns.
var csvColumns = []string{
	"state", "log", "index", "number", "id", "tenant", "recorded_at", "act", "act_version", "outcome",
	"actor_kind", "actor", "actor_home", "subject", "purpose", "facts", "parts", "redacted_by", "error",
}

// WriteCSV writes entries, of [Trail.Entries] for example, as CSV (RFC 4180, in
// UTF-8, lines end with CR LF): a line with the names of the columns, then one
// for each entry. The columns are the members of [WriteJSONL], in the same order;
// one that does not apply is empty; later versions may add others behind them.
// facts is one column of name=value with spaces between: what would not read as
// one word is quoted as in Go, several words have commas between them.
//
// Spreadsheets run what begins like a formula, and some of what stands in an entry
// is the host's or a user's choice. So a value that begins with =, +, -, @, with
// the wide forms of these, a tab, CR or LF has an apostrophe put in front, and one
// that begins with an apostrophe as well: who takes one apostrophe from the
// beginning of every value that has it gets what was recorded. Programs that
// split lines at anything but commas are not provided for.
//
// Errors are as with WriteJSONL.
func WriteCSV(w io.Writer, entries iter.Seq2[Record, error]) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(csvColumns); err != nil {
		return fmt.Errorf("audit: write entries: %w", err)
	}
	err := eachListed(entries, func(l listed) error {
		line := l.csv()
		for i, value := range line {
			line[i] = disarm(value)
		}
		if err := out.Write(line); err != nil {
			return fmt.Errorf("audit: write entries: %w", err)
		}
		return nil
	})
	out.Flush()
	if flushed := out.Error(); err == nil && flushed != nil {
		return fmt.Errorf("audit: write entries: %w", flushed)
	}
	return err
}

func (l listed) csv() []string {
	var log, index, number string
	if l.placed() {
		log, index, number = itoa(l.Log), utoa(l.Index), utoa(l.Number)
	}
	line := []string{l.state, log, index, number, l.ID.String(), string(l.Tenant)}
	said := make([]string, 11)
	if l.said() {
		said = []string{
			instant(l.RecordedAt), l.Act, strconv.Itoa(l.ActVersion), string(l.Outcome),
			string(l.Actor.Kind), l.actor(), string(l.Actor.Home), l.subject(), string(l.Purpose),
			factTexts(l.Facts), strconv.Itoa(len(l.Commitments)),
		}
	}
	return append(append(line, said...), l.redactedBy(), l.problem)
}

// disarm makes text of what a spreadsheet might run.
func disarm(value string) string {
	if r, size := utf8.DecodeRuneInString(value); size > 0 && strings.ContainsRune(armed, r) {
		return "'" + value
	}
	return value
}

// armed are what formulas begin with, and the apostrophe that disarms them.
const armed = "=+-@\uff1d\uff0b\uff0d\uff20\t\r\n'"
