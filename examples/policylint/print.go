package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/trothdev/troth/retention"
)

// lint prints the arithmetic of every promise, what the law wants kept, and the findings.
func lint(out io.Writer, file string, p *retention.Policy, o retention.LintOptions) int {
	report, err := p.Lint(o)
	if err != nil { // read has validated it
		fmt.Fprintf(out, "%s: %v\n", file, err)
		return unreadable
	}
	fmt.Fprintf(out, "%s: policy %s, version %d, sha256 %x\n", file, p.Name, p.Version, p.Hash())
	for _, path := range report.Paths {
		fmt.Fprintf(out, "  %s, %s: %s\n", path.Class, path.Promise, path)
	}
	for i := range p.Obligations {
		o := &p.Obligations[i]
		for _, class := range o.Classes {
			fmt.Fprintf(out, "  %s, %s: kept %s\n", class, o.Name, least(o))
		}
	}
	for _, f := range report.Findings {
		fmt.Fprintf(out, "  FINDING %s\n", f)
	}
	switch n := len(report.Findings); n {
	case 0:
		fmt.Fprintf(out, "%s: clean\n", file)
		return clean
	case 1:
		fmt.Fprintf(out, "%s: 1 finding\n", file)
	default:
		fmt.Fprintf(out, "%s: %d findings\n", file, n)
	}
	return findings
}

// least is how long something must be kept.
func least(o *retention.Obligation) string {
	text := fmt.Sprintf("%s from %s", o.For, o.From)
	switch {
	case o.For.IsZero():
		text = "from " + o.From + " without an end"
	case o.YearEnd:
		text = fmt.Sprintf("%s from the end of the year of %s", o.For, o.From)
	}
	if len(o.Labels) > 0 {
		text += ", with label " + strings.Join(o.Labels, " or ")
	}
	return text
}
