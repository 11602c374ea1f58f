package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const runningPod = goodPod + `
status:
  phase: Running
  podIP: 10.244.1.5
  podIPs: [{ip: 10.244.1.5}]
  containerStatuses: [{name: web, ready: true, restartCount: 2, state: {running: {}}}]
`

func TestPodTable(t *testing.T) {
	r := resource(t, "pods")
	pod := manifest(t, r, runningPod).(*corev1.Pod)
	pod.Spec.NodeName = "node-1"
	list := &corev1.PodList{ListMeta: metav1.ListMeta{ResourceVersion: "7", Continue: "more"}, Items: []corev1.Pod{*pod}}
	table, err := r.Table(list, &metav1.TableOptions{IncludeObject: metav1.IncludeObject})
	if err != nil {
		t.Fatal(err)
	}
	var columns []string
	for _, c := range table.ColumnDefinitions {
		columns = append(columns, fmt.Sprintf("%s/%d", c.Name, c.Priority))
	}
	want := "Name/0 Ready/0 Status/0 Restarts/0 Age/0 IP/1 Node/1 Nominated Node/1 Readiness Gates/1"
	if diff := cmp.Diff(want, strings.Join(columns, " ")); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	cells := []any{"web", "1/1", "Running", "2", "<unknown>", "10.244.1.5", "node-1", "<none>", "<none>"}
	if diff := cmp.Diff(cells, table.Rows[0].Cells); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
	if table.Kind != "Table" || table.APIVersion != "meta.k8s.io/v1" || table.ResourceVersion != "7" || table.Continue != "more" {
		t.Errorf("table: %+v %+v", table.TypeMeta, table.ListMeta)
	}
	if diff := cmp.Diff(pod, table.Rows[0].Object.Object); diff != "" {
		t.Errorf("object (-want +got):\n%s", diff)
	}
}

func TestTableIncludes(t *testing.T) {
	r := resource(t, "pods")
	pod := manifest(t, r, runningPod)
	table, err := r.Table(pod, nil)
	if err != nil {
		t.Fatal(err)
	}
	partial, ok := table.Rows[0].Object.Object.(*metav1.PartialObjectMetadata)
	if !ok || partial.Name != "web" || partial.Kind != "PartialObjectMetadata" || partial.APIVersion != "meta.k8s.io/v1" {
		t.Errorf("default: %T %+v", table.Rows[0].Object.Object, partial)
	}
	table, err = r.Table(pod, &metav1.TableOptions{IncludeObject: metav1.IncludeNone, NoHeaders: true})
	if err != nil || table.Rows[0].Object.Object != nil || table.ColumnDefinitions != nil {
		t.Errorf("none, no headers: %+v (%v)", table, err)
	}
	if _, err = r.Table(pod, &metav1.TableOptions{IncludeObject: "All"}); !errors.IsBadRequest(err) || err.Error() != `unrecognized includeObject value: "All"` {
		t.Errorf("got %v", err)
	}
}

func TestOtherTables(t *testing.T) {
	for name, want := range map[string]string{
		"nodes":                                     "Name Status Roles Age Version Internal-IP External-IP OS-Image Kernel-Version Container-Runtime",
		"namespaces":                                "Name Status Age",
		"services":                                  "Name Type Cluster-IP External-IP Port(s) Age Selector",
		"events":                                    "Last Seen Type Reason Object Subobject Source Message First Seen Count Name",
		"events.k8s.io/v1/events":                   "Last Seen Type Reason Object Subobject Source Message First Seen Count Name",
		"configmaps":                                "Name Data Age",
		"secrets":                                   "Name Type Data Age",
		"serviceaccounts":                           "Name Age",
		"apps/v1/deployments":                       "Name Ready Up-to-date Available Age Containers Images Selector",
		"apps/v1/replicasets":                       "Name Desired Current Ready Age Containers Images Selector",
		"apps/v1/statefulsets":                      "Name Ready Age Containers Images",
		"apps/v1/daemonsets":                        "Name Desired Current Ready Up-to-date Available Node Selector Age Containers Images Selector",
		"apps/v1/controllerrevisions":               "Name Controller Revision Age",
		"replicationcontrollers":                    "Name Desired Current Ready Age Containers Images Selector",
		"podtemplates":                              "Name Containers Images Pod Labels",
		"batch/v1/jobs":                             "Name Status Completions Duration Age Containers Images Selector",
		"batch/v1/cronjobs":                         "Name Schedule Timezone Suspend Active Last Schedule Age Containers Images Selector",
		"policy/v1/poddisruptionbudgets":            "Name Min Available Max Unavailable Allowed Disruptions Age",
		"scheduling.k8s.io/v1/priorityclasses":      "Name Value Global-Default Age PreemptionPolicy",
		"endpoints":                                 "Name Endpoints Age",
		"networking.k8s.io/v1/ingresses":            "Name Class Hosts Address Ports Age",
		"networking.k8s.io/v1/ingressclasses":       "Name Controller Parameters Age",
		"networking.k8s.io/v1/networkpolicies":      "Name Pod-Selector Age",
		"networking.k8s.io/v1/ipaddresses":          "Name ParentRef",
		"networking.k8s.io/v1/servicecidrs":         "Name CIDRs Age",
		"persistentvolumes":                         "Name Capacity Access Modes Reclaim Policy Status Claim StorageClass VolumeAttributesClass Reason Age VolumeMode",
		"persistentvolumeclaims":                    "Name Status Volume Capacity Access Modes StorageClass VolumeAttributesClass Age VolumeMode",
		"storage.k8s.io/v1/storageclasses":          "Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age",
		"storage.k8s.io/v1/csidrivers":              "Name AttachRequired PodInfoOnMount StorageCapacity TokenRequests RequiresRepublish Modes Age",
		"storage.k8s.io/v1/csinodes":                "Name Drivers Age",
		"storage.k8s.io/v1/csistoragecapacities":    "Name Created At",
		"storage.k8s.io/v1/volumeattachments":       "Name Attacher PV Node Attached Age",
		"storage.k8s.io/v1/volumeattributesclasses": "Name DriverName Age",
		"resourcequotas":                            "Name Request Limit Age",
		"limitranges":                               "Name Created At",
		"node.k8s.io/v1/runtimeclasses":             "Name Handler Age",
		"coordination.k8s.io/v1/leases":             "Name Holder Age",
		"discovery.k8s.io/v1/endpointslices":        "Name AddressType Ports Endpoints Age",
	} {
		r := resource(t, name)
		table, err := r.Table(r.NewList(), nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var columns []string
		for _, c := range table.ColumnDefinitions {
			columns = append(columns, c.Name)
		}
		if diff := cmp.Diff(want, strings.Join(columns, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
