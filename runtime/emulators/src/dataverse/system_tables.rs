//! The tables that Dataverse itself brings, as far as webhooks need them. A schema file of the same table wins.

/// `(file name, text)`, in the format of the schema files.
pub(super) const SYSTEM_TABLES: [(&str, &str); 5] = [
    (
        "serviceendpoints",
        r#"
        table = "serviceendpoints"
        logical_name = "serviceendpoint"
        primary_id = "serviceendpointid"
        primary_name = "name"
        column = [
            { name = "name", type = "text", max_length = 100 },
            { name = "description", type = "text", max_length = 2000 },
            { name = "url", type = "text", max_length = 500 },
            { name = "contract", type = "option-set", options = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12] },
            { name = "authtype", type = "option-set", options = [1, 2, 3, 4, 5, 6, 7, 8, 9] },
            { name = "authvalue", type = "text", max_length = 2000 },
            { name = "connectionmode", type = "option-set", options = [1, 2] },
            { name = "messageformat", type = "option-set", options = [1, 2, 3] },
            { name = "userclaim", type = "option-set", options = [1, 2, 3] },
        ]
        "#,
    ),
    (
        "sdkmessages",
        r#"
        table = "sdkmessages"
        logical_name = "sdkmessage"
        primary_id = "sdkmessageid"
        primary_name = "name"
        column = [{ name = "name", type = "text", max_length = 256 }]
        key = [{ name = "name", columns = ["name"] }]
        "#,
    ),
    (
        "sdkmessagefilters",
        r#"
        table = "sdkmessagefilters"
        logical_name = "sdkmessagefilter"
        primary_id = "sdkmessagefilterid"
        primary_name = "name"
        column = [
            { name = "name", type = "text", max_length = 256 },
            { name = "primaryobjecttypecode", type = "text" },
            { name = "secondaryobjecttypecode", type = "text" },
            { name = "sdkmessageid", type = "lookup", targets = ["sdkmessages"] },
            { name = "iscustomprocessingstepallowed", type = "boolean" },
        ]
        "#,
    ),
    (
        "plugintypes",
        r#"
        table = "plugintypes"
        logical_name = "plugintype"
        primary_id = "plugintypeid"
        primary_name = "name"
        column = [{ name = "name", type = "text", max_length = 256 }]
        "#,
    ),
    (
        "sdkmessageprocessingsteps",
        r#"
        table = "sdkmessageprocessingsteps"
        logical_name = "sdkmessageprocessingstep"
        primary_id = "sdkmessageprocessingstepid"
        primary_name = "name"
        column = [
            { name = "name", type = "text", max_length = 256 },
            { name = "description", type = "text", max_length = 256 },
            { name = "configuration", type = "text" },
            { name = "mode", type = "option-set", options = [0, 1] },
            { name = "stage", type = "option-set", options = [10, 20, 40] },
            { name = "rank", type = "integer" },
            { name = "supporteddeployment", type = "option-set", options = [0, 1, 2] },
            { name = "filteringattributes", type = "text" },
            { name = "asyncautodelete", type = "boolean" },
            { name = "sdkmessageid", type = "lookup", targets = ["sdkmessages"] },
            { name = "sdkmessagefilterid", type = "lookup", targets = ["sdkmessagefilters"] },
            { name = "eventhandler", type = "lookup", targets = ["serviceendpoints", "plugintypes"] },
            { name = "plugintypeid", type = "lookup", targets = ["plugintypes"] },
        ]
        "#,
    ),
];
