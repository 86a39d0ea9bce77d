package main

import (
	"fmt"
	"io"

	"github.com/trothdev/troth/retention"
)

// lint prints the arithmetic of every promise, and the findings.
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
