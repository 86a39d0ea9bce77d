// Policylint judges retention policies before they are activated: does every way
// that a record can take meet every promise, with sweeps, retries and backups on
// top of it, and does every record have an end?
//
//	policylint [-on DATE] [-types TYPE,...] FILE...
//	policylint -explain CLASS -event NAME=DATE [-event ...] FILE
//
// Files are YAML, or JSON if their name ends so. The arithmetic of every promise is
// printed, kept or broken, what the law wants kept, and then the findings. -on is the
// day by which reviews are overdue, today if it is not given; -types are record types
// that must have a class. -explain prints what becomes of a record of a class, by date; a record is
// created on the day of its first event unless created=DATE is given.
//
// It exits with status 0 if all policies are clean, 1 if there are findings, and 2
// if a file cannot be read as a policy, or for the wrong call.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/trothdev/troth/deadline"
	"github.com/trothdev/troth/retention"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr, time.Now())) }

// Statuses of the program.
const (
	clean      = 0
	findings   = 1
	unreadable = 2
)

// order is what was asked for.
type order struct {
	options retention.LintOptions
	class   string
	events  events
	files   []string
}

func run(args []string, out, errs io.Writer, now time.Time) int {
	c, err := parse(args, errs, now)
	if errors.Is(err, flag.ErrHelp) {
		return clean
	}
	if err != nil {
		fmt.Fprintln(errs, "policylint:", err)
		return unreadable
	}
	status := clean
	for _, file := range c.files {
		p, err := read(file)
		if err != nil {
			fmt.Fprintf(errs, "%s: %v\n", file, err)
			status = unreadable
			continue
		}
		if c.class != "" {
			if err := explain(out, p, c.class, c.events); err != nil {
				fmt.Fprintf(errs, "%s: %v\n", file, err)
				return unreadable
			}
			continue
		}
		status = max(status, lint(out, file, p, c.options))
	}
	return status
}

func parse(args []string, errs io.Writer, now time.Time) (order, error) {
	var c order
	flags := flag.NewFlagSet("policylint", flag.ContinueOnError)
	flags.SetOutput(errs)
	on := flags.String("on", now.UTC().Format(time.DateOnly), "the `day` by which reviews are overdue")
	types := flags.String("types", "", "registered record `types`, with commas between them")
	flags.StringVar(&c.class, "explain", "", "print the dates of a record of this `class`")
	flags.Var(&c.events, "event", "an event of the record, as `name=date`; may be given again")
	flags.Usage = func() {
		fmt.Fprintln(errs, "usage: policylint [-on DATE] [-types TYPE,...] FILE...")
		fmt.Fprintln(errs, "       policylint -explain CLASS -event NAME=DATE [-event ...] FILE")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return order{}, err
	}
	day, err := deadline.ParseDate(*on)
	if err != nil {
		return order{}, fmt.Errorf("-on: %w", err)
	}
	c.options.On, c.files = day, flags.Args()
	if *types != "" {
		c.options.RecordTypes = strings.Split(*types, ",")
	}
	switch {
	case len(c.files) == 0:
		return order{}, errors.New("no file is given")
	case (c.class == "") != (len(c.events) == 0):
		return order{}, errors.New("-explain CLASS wants an event, such as -event created=2026-01-31, and -event a class")
	}
	return c, nil
}

// read reads a policy. A file that is larger than policies are is not read to its
// end.
func read(path string) (*retention.Policy, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, retention.MaxText+1))
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(strings.ToLower(path), ".json") {
		return retention.Parse(text)
	}
	return retention.ParseYAML(text)
}
