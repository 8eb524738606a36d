// A business rule on incidents, after insert and update: tells Holdpoint how each of them stands.
// Rhino runs it: ES5, and globals of ServiceNow's own. The REST message "Holdpoint" has the address and the secret.
// @ts-nocheck
/* oxlint-disable */
(function executeRule(current, previous) {
  var isUpdate = previous && current.operation() === "update";
  var service = current.business_service;
  var incident = {
    sys_id: current.getUniqueValue(),
    number: current.getValue("number"),
    state: current.getValue("state"),
    previous_state: isUpdate ? previous.getValue("state") : "",
    assigned: !current.assigned_to.nil(),
    mod_count: current.getValue("sys_mod_count"),
    priority: current.getValue("priority"),
    short_description: current.getValue("short_description"),
    service: service.nil() ? "" : service.getDisplayValue(),
    environment: service.nil() ? "" : String(service.used_for),
    correlation_id: current.getValue("correlation_id"),
    opened_at: current.getValue("opened_at"),
    resolved_at: current.getValue("resolved_at"),
    reopened_at: current.isValidField("reopened_time") ? current.getValue("reopened_time") : "",
    updated_at: current.getValue("sys_updated_on"),
    url: gs.getProperty("glide.servlet.uri") + "incident.do?sys_id=" + current.getUniqueValue(),
  };
  try {
    var request = new sn_ws.RESTMessageV2("Holdpoint", "post");
    request.setRequestBody(JSON.stringify(incident));
    request.executeAsync(); // the person who saves the incident does not wait for it
  } catch (error) {
    gs.error("Holdpoint was not told of " + incident.number + ": " + error);
  }
})(current, previous);
