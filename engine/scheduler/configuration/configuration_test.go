package configuration_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"drydock/engine/scheduler/configuration"
)

const head = "apiVersion: kubescheduler.config.k8s.io/v1\nkind: KubeSchedulerConfiguration\n"

func TestRead(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []configuration.Profile
	}{
		"nothing said": {head, []configuration.Profile{{SchedulerName: "default-scheduler"}}},
		"what a lab does not heed": {
			head + "parallelism: 4\nleaderElection: {leaderElect: false}\nclientConnection: {kubeconfig: /etc/x}\n",
			[]configuration.Profile{{SchedulerName: "default-scheduler"}},
		},
		"no scoring, as in Kubernetes' manual": {
			head + `
profiles:
- schedulerName: default-scheduler
- schedulerName: no-scoring
  plugins:
    score: {disabled: [{name: '*'}]}
    preScore: {disabled: [{name: '*'}]}
`,
			[]configuration.Profile{{SchedulerName: "default-scheduler"}, {SchedulerName: "no-scoring", Weights: map[string]int64{
				"TaintToleration": 0, "NodeAffinity": 0, "NodeResourcesFit": 0, "PodTopologySpread": 0, "InterPodAffinity": 0,
				"NodeResourcesBalancedAllocation": 0, "ImageLocality": 0,
			}}},
		},
		"one point takes back what all points lost": {
			head + `
profiles:
- plugins:
    multiPoint: {disabled: [{name: NodeAffinity}, {name: DefaultPreemption}, {name: NodeVolumeLimits}], enabled: [{name: ImageLocality, weight: 7}]}
    score: {enabled: [{name: NodeAffinity}, {name: TaintToleration, weight: 9}]}
`,
			[]configuration.Profile{{
				SchedulerName: "default-scheduler", Disabled: []string{"DefaultPreemption"}, NoFilter: []string{"NodeAffinity"},
				Weights: map[string]int64{"NodeAffinity": 1, "TaintToleration": 9, "ImageLocality": 7},
			}},
		},
		"how nodes are filled": {
			head + `
profiles:
- schedulerName: shaped
  pluginConfig:
  - name: NodeResourcesFit
    args:
      apiVersion: kubescheduler.config.k8s.io/v1
      kind: NodeResourcesFitArgs
      scoringStrategy:
        type: RequestedToCapacityRatio
        resources: [{name: cpu, weight: 3}]
        requestedToCapacityRatio: {shape: [{utilization: 0, score: 0}, {utilization: 100, score: 10}]}
`,
			[]configuration.Profile{{SchedulerName: "shaped", Fit: configuration.Fit{
				Type: "RequestedToCapacityRatio", Resources: []configuration.ResourceWeight{{Name: "cpu", Weight: 3}},
				Shape: []configuration.ShapePoint{{}, {Utilization: 100, Score: 10}},
			}}},
		},
	} {
		got, err := configuration.Read([]byte(test.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestMistakes(t *testing.T) {
	for text, want := range map[string]string{
		"kind: Pod":                                                 `it is apiVersion "", kind "Pod"`,
		head + "profile: []":                                        `unknown field "profile"`,
		head + "extenders: [{urlPrefix: x}]":                        "extenders: a lab's scheduler does not have this",
		head + "profiles: [{}, {schedulerName: a}]":                 "profiles[0]: schedulerName: each of several profiles needs a name",
		head + "profiles: [{schedulerName: a}, {schedulerName: a}]": `profiles[1]: schedulerName: "a" is the name of an earlier profile`,
		head + "profiles: [{plugins: {filter: {disabled: [{name: NodeNames}]}}}]":                                 "plugins.filter.disabled: NodeNames: there is no such plugin",
		head + "profiles: [{plugins: {filter: {disabled: [{name: ImageLocality}]}}}]":                             "plugins.filter.disabled: ImageLocality does nothing there",
		head + "profiles: [{plugins: {score: {enabled: [{name: NodeVolumeLimits}]}}}]":                            "NodeVolumeLimits: a lab's scheduler does not have this plugin",
		head + "profiles: [{plugins: {preScore: {disabled: [{name: NodeAffinity}]}}}]":                            "what it prepares is still asked for",
		head + "profiles: [{plugins: {bind: {disabled: [{name: DefaultBinder}]}}}]":                               "plugins.bind: a lab's scheduler has no choice of plugins here",
		head + "profiles: [{plugins: {multiPoint: {disabled: [{name: PrioritySort}]}}}]":                          "PrioritySort: a lab's scheduler cannot work without it",
		head + "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoringStrategy: {type: Fullest}}}]}]": `scoringStrategy: type "Fullest"`,
		head + "profiles: [{pluginConfig: [{name: NodeResourcesFit, args: {scoring: {}}}]}]":                      `unknown field "scoring"`,
		head + "profiles: [{pluginConfig: [{name: InterPodAffinity, args: {hardPodAffinityWeight: 5}}]}]":         "InterPodAffinity: a lab's scheduler takes arguments for NodeResourcesFit only",
	} {
		if _, err := configuration.Read([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\ngives %v\nwant %s", text, err, want)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(head + "profiles: [{schedulerName: a, plugins: {score: {disabled: [{name: '*'}]}}}]")
	f.Add("{")
	f.Fuzz(func(t *testing.T, text string) {
		profiles, err := configuration.Read([]byte(text))
		if err == nil && len(profiles) == 0 {
			t.Error("no profile and no error")
		}
	})
}
