package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"drydock/engine/decision"
	"drydock/sandbox/lab"
)

func (a *app) traceCommand() *cobra.Command {
	var namespace string
	var follow, asJSON, details bool
	cmd := &cobra.Command{
		Use: "trace KIND/NAME", Short: "Tell the life of an object: every decision about it, by whom and why",
		Example: "  drydock trace pod/web\n  drydock trace deployment/shop -n default --follow",
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || !strings.Contains(args[0], "/") {
				return usage("`drydock trace` needs one object, e.g. pod/web")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := a.reach()
			if err != nil {
				return err
			}
			object, err := traceable(args[0], namespace)
			if err != nil {
				return usage("%w", err)
			}
			out := &timeline{w: cmd.OutOrStdout(), json: asJSON, details: details}
			if follow {
				err = readDecisions(cmd.Context(), p.lab.API(), object, true, out.add)
			} else {
				err = out.all(cmd.Context(), p.lab.API(), object)
			}
			if errors.Is(err, lab.ErrNotRunning) {
				return &codeError{exitNo, fmt.Errorf("lab %q is not running, and it forgets decisions when it stops", p.lab.Name())}
			}
			if err == nil && out.count == 0 {
				return &codeError{exitNo, fmt.Errorf("nothing is known of %s", object)}
			}
			return err
		},
	}
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "default", "namespace of the object")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on as more is decided")
	cmd.Flags().BoolVarP(&details, "verbose", "v", false, "print every detail of each decision")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print records as lines of JSON")
	return cmd
}

// plurals are the short forms people type, as kubectl takes them.
var plurals = map[string]string{
	"po": "pods", "pod": "pods", "no": "nodes", "node": "nodes", "ns": "namespaces", "namespace": "namespaces",
	"deploy": "deployments", "deployment": "deployments", "rs": "replicasets", "replicaset": "replicasets",
	"svc": "services", "service": "services", "cm": "configmaps", "configmap": "configmaps", "secret": "secrets",
	"sa": "serviceaccounts", "serviceaccount": "serviceaccounts", "lease": "leases", "ep": "endpoints", "event": "events", "ev": "events",
	"endpointslice": "endpointslices",
}

// clusterWide kinds have no namespace.
var clusterWide = []string{"nodes", "namespaces"}

func traceable(word, namespace string) (decision.Object, error) {
	kind, name, _ := strings.Cut(word, "/")
	resource := strings.ToLower(kind)
	if plural, ok := plurals[resource]; ok {
		resource = plural
	}
	if resource == "" || name == "" || strings.Contains(name, "/") {
		return decision.Object{}, fmt.Errorf("%q is not KIND/NAME", word)
	}
	if slices.Contains(clusterWide, resource) {
		namespace = ""
	}
	return decision.Object{Resource: resource, Namespace: namespace, Name: name}, nil
}

// readDecisions reads records about object, or all of them when it is none, from the lab's API socket, oldest first.
func readDecisions(ctx context.Context, socket string, object decision.Object, follow bool, each func(decision.Record) error) error {
	query := url.Values{}
	if object != (decision.Object{}) {
		query.Set("object", object.String())
	}
	if follow {
		query.Set("watch", "1")
	}
	client := &http.Client{Transport: &http.Transport{
		DialContext: func(context.Context, string, string) (net.Conn, error) { return lab.Dial(socket) },
	}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://drydock/drydock/decisions?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("ask for decisions: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("ask for decisions: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000)) // whatever was read is better than nothing
		return fmt.Errorf("ask for decisions: %s: %s", response.Status, text)
	}
	lines := json.NewDecoder(bufio.NewReader(response.Body))
	for {
		var record decision.Record
		if err := lines.Decode(&record); errors.Is(err, io.EOF) || ctx.Err() != nil {
			return nil
		} else if err != nil {
			return fmt.Errorf("read decisions: %w", err)
		}
		if err := each(record); err != nil {
			return err
		}
	}
}

// timeline prints records with the time since the first one.
type timeline struct {
	w io.Writer
	// set once
	json, details bool

	start time.Time
	count int
}

// all prints what is known now. Records of different nodes arrive a little out of order: they are sorted by their time.
func (t *timeline) all(ctx context.Context, socket string, object decision.Object) error {
	var records []decision.Record
	err := readDecisions(ctx, socket, object, false, func(r decision.Record) error {
		records = append(records, r)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(records, func(a, b decision.Record) int { return a.Time.Compare(b.Time) })
	for _, r := range records {
		if err := t.add(r); err != nil {
			return err
		}
	}
	return nil
}

func (t *timeline) add(r decision.Record) error {
	if t.count++; t.count == 1 {
		t.start = r.Time
		if !t.json {
			if _, err := fmt.Fprintf(t.w, "%s, from %s\n", r.Object, r.Time.Local().Format("15:04:05.000")); err != nil {
				return err
			}
		}
	}
	if t.json {
		return json.NewEncoder(t.w).Encode(r)
	}
	_, err := fmt.Fprintf(t.w, "%+9.1f ms  %-24s %-18s %s\n", float64(r.Time.Sub(t.start).Microseconds())/1000, r.Actor, r.Action, explain(r))
	if err != nil || !t.details {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(r.Details)) {
		if _, err := fmt.Fprintf(t.w, "%34s%s: %s\n", "", key, r.Details[key]); err != nil {
			return err
		}
	}
	return nil
}

// explain says in one line what changed and why.
func explain(r decision.Record) string {
	var parts []string
	switch {
	case r.Before != "" && r.After != "":
		parts = append(parts, shorten(r.Before)+" → "+shorten(r.After))
	case r.After != "":
		parts = append(parts, shorten(r.After))
	case r.Before != "":
		parts = append(parts, "was "+r.Before)
	}
	if r.Message != "" && !strings.HasSuffix(r.Message, r.After) {
		parts = append(parts, r.Message)
	}
	if r.Reason != "" {
		parts = append(parts, "("+r.Reason+")")
	}
	if r.Cause.Name != "" {
		parts = append(parts, "because of "+r.Cause.String())
	}
	return strings.Join(parts, " ")
}

// longID is an id as runtimes make them; people tell them apart by the first dozen digits.
var longID = regexp.MustCompile(`\b([0-9a-f]{12})[0-9a-f]{52}\b`)

func shorten(text string) string { return longID.ReplaceAllString(text, "$1") }
