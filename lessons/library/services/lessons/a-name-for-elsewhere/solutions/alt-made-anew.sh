#!/bin/sh
# about: a manifest; at home the Service is made anew without a selector, and the pod's address is written into its list
# answer: what name
# answer: host ours
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: payments}
spec: {type: ExternalName, externalName: pay.partner.svc.cluster.local.}
MANIFEST
ip=$(kubectl get pods -l app=our-pay -o jsonpath='{.items[0].status.podIP}')
kubectl replace --force -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: payments}
spec: {ports: [{name: pay, port: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: payments-by-hand, labels: {kubernetes.io/service-name: payments}}
addressType: IPv4
endpoints: [{addresses: ["$ip"]}]
ports: [{name: pay, port: 8080}]
MANIFEST
