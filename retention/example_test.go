package retention_test

import (
	"fmt"
	"time"

	"github.com/trothdev/troth/retention"
)

const trash = `
format: troth.retention.policy/1
policy: files
version: 1
title: Retention of files
effective: 2026-01-01
zone: Europe/Berlin
sweep: P1D
events: [{event: trashed}, {event: restored}]
copies:
  - {copy: database, kind: primary}
  - {copy: backups, kind: backup, of: database, rotation: P30D}
classes:
  - class: file
    title: Files
    records: [file]
    copies: [database]
    stages:
      - {stage: active, visible: all, until: trashed}
      - {stage: trashed, visible: owner, restorable: true, for: P25D}
      - {stage: inaccessible, visible: none, for: P30D}
    on: [{event: restored, from: [trashed], goto: active}]
promises:
  - {promise: trash, from: trashed, unless: [restored], within: P90D, cite: "Privacy policy, deleting files"}
`

// JSON is the contract: what programs write and exchange. The hash is that of the meaning.
func ExampleParse() {
	policy, err := retention.Parse([]byte(`{
		"format": "troth.retention.policy/1",
		"policy": "small", "version": 2, "title": "A small one",
		"effective": "2026-01-01", "zone": "Europe/Berlin", "sweep": "P1D",
		"copies": [{"copy": "primary", "kind": "primary"}],
		"classes": [{
			"class": "note", "title": "Notes", "records": ["note"], "copies": ["primary"],
			"stages": [{"stage": "kept", "visible": "all", "for": "P1Y"}]
		}]
	}`))
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s %x\n", policy.Name, policy.Hash())
	// Output:
	// small 27fb33b9e6dff697f3d01b5dc446789ed7159f1a6b4ff6de77098c9a42497825
}

func ExamplePolicy_Lint() {
	policy, err := retention.ParseYAML([]byte(trash))
	if err != nil {
		panic(err)
	}
	report, err := policy.Lint(retention.LintOptions{RecordTypes: []string{"file", "avatar"}})
	if err != nil {
		panic(err)
	}
	for _, path := range report.Paths {
		fmt.Println(path)
	}
	for _, finding := range report.Findings {
		fmt.Println(finding)
	}
	// Output:
	// trashed 25 + inaccessible 30 + backups 30 + sweep 1 = 86 <= 90, slack 4
	// type-unclassed avatar: is registered and has no class: its records would stay for ever
}

func ExampleHistory_Evaluate() {
	policy, err := retention.ParseYAML([]byte(trash))
	if err != nil {
		panic(err)
	}
	history, err := retention.NewHistory(policy)
	if err != nil {
		panic(err)
	}
	trashed := time.Date(2026, time.January, 31, 9, 30, 0, 0, time.UTC)
	facts := &retention.Facts{
		Record: "file/17", Class: "file", Cohort: 1, Known: retention.KnownAll,
		State: retention.State{Stage: "trashed", Since: trashed},
		Holds: []retention.Held{{Hold: "h-1", Matter: "tax audit"}},
	}
	fmt.Println(history.Evaluate(facts, trashed.AddDate(0, 2, 0)))
	facts.Holds = nil
	fmt.Println(history.Evaluate(facts, trashed.AddDate(0, 2, 0)))
	// Output:
	// file/17: file trashed: is inaccessible since 2026-02-25T23:00:00Z; keep by hold h-1 (tax audit); purge by 2026-03-27T23:00:00Z by class file (trashed 2026-01-31T09:30:00Z)
	// file/17: file trashed: destroy, due since 2026-03-27T23:00:00Z; purge by 2026-03-27T23:00:00Z by class file (trashed 2026-01-31T09:30:00Z)
}
